// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package trace_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/trace"
)

func TestArrivals_ArePoissonAndTheSameForASeed(t *testing.T) {
	t.Parallel()
	const hours = 24
	four := func(time.Duration) float64 { return 4 }
	got := trace.Arrivals(1, hours*time.Hour, four)
	if !slices.Equal(got, trace.Arrivals(1, hours*time.Hour, four)) {
		t.Error("two runs differ")
	}
	if !slices.IsSortedFunc(got, func(a, b trace.Request) int { return int(a.At - b.At) }) {
		t.Error("not in order")
	}
	counts := make([]float64, hours*60)
	for _, r := range got {
		counts[int(r.At/time.Minute)]++
	}
	mean, variance := 0.0, 0.0
	for _, n := range counts {
		mean += n / float64(len(counts))
	}
	for _, n := range counts {
		variance += (n - mean) * (n - mean) / float64(len(counts))
	}
	if math.Abs(mean-240) > 3 || math.Abs(variance/mean-1) > 0.15 {
		t.Errorf("mean %.1f and variance %.1f a minute, want 240 both", mean, variance)
	}
}

func TestSeasons_HasADayAWeekAndJobs(t *testing.T) {
	t.Parallel()
	rate := trace.Seasons(1)
	at := func(day int, hour float64) float64 {
		return rate(time.Duration(day)*24*time.Hour + time.Duration(hour*float64(time.Hour)))
	}
	if night, noon := at(2, 4.5), at(2, 13.5); noon < 3*night {
		t.Errorf("%.1f at night, %.1f at noon", night, noon)
	}
	if weekday, sunday := at(2, 13.5), at(6, 13.5); weekday < 1.5*sunday {
		t.Errorf("%.1f on Wednesday, %.1f on Sunday", weekday, sunday)
	}
	if before, job := at(2, 10.9), at(2, 11.08); job < before+2 {
		t.Errorf("%.1f before the job, %.1f in it", before, job)
	}
}
