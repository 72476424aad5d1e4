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

func TestBegin(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		start, end string
		minutes    int
		want       string
	}{
		{"0 8 * * 1-5", "0 19 * * 1-5", 65, "55 6 * * 1-5"},
		{"0 0 * * *", "59 23 * * *", 3, "0 0 * * *"}, // all day, but for a minute
		{"0 4 * * *", "0 3 * * *", 65, "1 3 * * *"},  // a break of an hour
		{"0 4 * * *", "0 3 * * *", 60, "1 3 * * *"},  // up to its end
		{"0 4 * * *", "0 3 * * *", 59, "1 3 * * *"},
		{"0 4 * * *", "0 3 * * *", 58, "2 3 * * *"},
		{"0 0 * * 1", "0 0 * * 6", 65, "55 22 * * 0"},   // the end is far
		{"0 0 * * 1", "30 23 * * 0", 65, "31 23 * * 0"}, // on the day before
		{"0 0 * * 1", "30 23 * * 0,3", 65, "31 23 * * 0"},
		{"0 8 * * 1", "0 8 * * 1-5", 65, "0 8 * * 1"}, // both at once
		{"0 8 * * 1", "*/30 * * * *", 65, "0 8 * * 1"},
		{"0 8 1 * *", "30 7 1 1 *", 65, "31 7 1 * *"}, // once in a year
		{"0 8 1 * *", "0 19 1 * *", 65, "55 6 1 * *"},
		{"0 8 1 * 1", "30 7 * 5 3", 65, "31 7 1 * 1"}, // some first is a Wednesday
		{"5 0 1 * *", "0 19 1 * *", 65, "5 0 1 * *"},  // see Earlier
		{"*/5 8 * * *", "0 19 * * *", 65, "*/5 8 * * *"},
		{"0 8 * * *", "0 19 * * *", 24 * 60, "1 19 * * *"},
		{"5 8 31 2 *", "0 8 31 2 *", 5, "1 8 31 2 *"},      // never
		{"0 8 * * *", "TZ=Europe/Berlin", 65, "0 8 * * *"}, // refused elsewhere
		{"TZ=Europe/Berlin", "0 8 * * *", 65, "TZ=Europe/Berlin"},
	} {
		if got := scaledobject.Begin(row.start, row.end, row.minutes); got != row.want {
			t.Errorf("%d minutes before %s, that ends at %s: %s, want %s", row.minutes, row.start, row.end, got, row.want)
		}
	}
}

// Whenever a floor holds, it holds with its start moved, too, and KEDA takes it.
func TestBegin_OnlyAdds(t *testing.T) {
	t.Parallel()
	moved := 0
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 3))
		expression := func() string {
			return fmt.Sprintf("%d %d * * %s", []int{0, 30, 59, r.IntN(60)}[r.IntN(4)], r.IntN(24), []string{"*", "*", "1-5", "6,0", "0", "mon-wed"}[r.IntN(6)])
		}
		start, end := expression(), expression()
		if r.IntN(4) == 0 {
			end = fmt.Sprintf("*/%d %d-23/%d * * *", 1+r.IntN(59), r.IntN(24), 1+r.IntN(12))
		}
		if start == end {
			continue
		}
		minutes := []int{r.IntN(24*60 + 1), r.IntN(90)}[r.IntN(2)]
		begin := scaledobject.Begin(start, end, minutes)
		if begin == end {
			t.Fatalf("seed %d: %s, %d minutes before %s, is its end", seed, begin, minutes, start)
		}
		if begin != start {
			moved++
		}
		was, is := holds(t, start, end), holds(t, begin, end)
		for minute := range was {
			if was[minute] && !is[minute] {
				t.Fatalf("seed %d: %s to %s holds in minute %d of the week, and not from %s, %d minutes before", seed, start, end, minute, begin, minutes)
			}
		}
	}
	if moved < 300 {
		t.Errorf("%d were moved", moved)
	}
}

// holds are the minutes of a week in which KEDA has a floor: while its next end does not come after its next start.
func holds(t *testing.T, start, end string) (all [7 * 24 * 60]bool) {
	t.Helper()
	nextStart, nextEnd := next(t, start), next(t, end)
	for minute := range all {
		all[minute] = nextEnd[minute] <= nextStart[minute]
	}
	return all
}

// next is the minute in which an expression fires next, by minutes of a week.
func next(t *testing.T, expression string) (all [7 * 24 * 60]int) {
	t.Helper()
	s, err := cron.ParseStandard(expression)
	if err != nil {
		t.Fatal(expression, err)
	}
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	from := 0
	for at := s.Next(monday); from < len(all); at = s.Next(at) {
		for fires := int(at.Sub(monday) / time.Minute); from < min(fires, len(all)); from++ {
			all[from] = fires
		}
	}
	return all
}
