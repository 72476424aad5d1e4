// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaledobject_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

func TestEarlier(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		cron    string
		minutes int
		want    string
		ok      bool
	}{
		{"0 8 * * 1-5", 15, "45 7 * * 1-5", true},
		{"0 8 * * 1-5", 0, "0 8 * * 1-5", true},
		{"5 0 * * *", 10, "55 23 * * *", true},
		{"5 0 * * 1-5", 10, "55 23 * * 0,1,2,3,4", true},
		{"5 0 * * SUN,3", 10, "55 23 * * 2,6", true},
		{"5 0 1 * *", 10, "5 0 1 * *", false},
		{"*/5 8 * * *", 10, "*/5 8 * * *", false},
		{"0 8,12 * * *", 10, "0 8,12 * * *", false},
		{"0 25 * * *", 10, "0 25 * * *", false},
		{"0 8 * *", 10, "0 8 * *", false},
		{"0 8 * * *", 24 * 60, "0 8 * * *", false},
	} {
		if got, ok := scaledobject.Earlier(row.cron, row.minutes); got != row.want || ok != row.ok {
			t.Errorf("%d minutes before %s: %s, %v", row.minutes, row.cron, got, ok)
		}
	}
}

// What fires earlier fires as often, so many minutes before.
func TestEarlier_FiresSoManyMinutesBefore(t *testing.T) {
	t.Parallel()
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		expression := fmt.Sprintf("%d %d * * %s", r.IntN(60), r.IntN(24), []string{"*", "1-5", "6,0", "0", "mon-wed", "0-6"}[r.IntN(6)])
		minutes := 1 + r.IntN(24*60-1)
		earlier, ok := scaledobject.Earlier(expression, minutes)
		if !ok {
			t.Fatalf("%s, %d minutes: %s stays", expression, minutes, earlier)
		}
		was, err1 := cron.ParseStandard(expression)
		is, err2 := cron.ParseStandard(earlier)
		if err1 != nil || err2 != nil {
			t.Fatal(expression, err1, earlier, err2)
		}
		at, before := monday, monday.Add(-time.Duration(minutes)*time.Minute)
		for range 10 {
			at, before = was.Next(at), is.Next(before)
			if at.Sub(before) != time.Duration(minutes)*time.Minute {
				t.Fatalf("seed %d: %s fires at %s, %s at %s, %d minutes", seed, expression, at, earlier, before, minutes)
			}
		}
	}
}
