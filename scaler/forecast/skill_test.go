// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/scaler/forecast"
)

// bursts are calm with five bursts a day at random times.
func bursts(seed uint64, days int) func(time.Time) float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	rates := make([]float64, days*1440)
	for i := range rates {
		rates[i] = 1
	}
	for range 5 * days {
		begin, size := rng.IntN(len(rates)), 2+7*rng.Float64()
		for i := begin; i < min(len(rates), begin+3+rng.IntN(12)); i++ {
			rates[i] += size
		}
	}
	return func(at time.Time) float64 { return rates[int(at.Sub(monday)/time.Minute)] }
}

// Replicas are made ahead where that spares somebody something. That is asked on every day of the second week.
func TestForesees_WhatComesAgainAndIsNotSeenInTime(t *testing.T) {
	t.Parallel()
	const soon, late = 2 * time.Minute, time.Hour
	wave := func(at time.Time) float64 {
		return 5 + 4*math.Sin(at.Sub(monday).Hours()/12*math.Pi)
	}
	for _, c := range []struct {
		name       string
		rate       func(time.Time) float64
		soon, late bool
	}{
		{"jobs", season, true, true},
		{"bursts", bursts(11, 15), false, false},
		{"nothing but noise", func(time.Time) float64 { return 2 }, false, false},
		{"nothing", func(time.Time) float64 { return 0 }, false, false},
		{"a slow wave", wave, false, true},
		{"a wave of 29 hours", func(at time.Time) float64 { return wave(monday.Add(at.Sub(monday) * 24 / 29)) }, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			samples := observe(12, 15, c.rate)
			m := forecast.New(nil)
			for i, s := range samples {
				m.Observe(s)
				if i < 7*1440 || i%1440 != 0 {
					continue
				}
				if got := m.Foresees(soon); got != c.soon {
					t.Errorf("day %d, %s ahead: %v", i/1440, soon, got)
				}
				if got := m.Foresees(late); got != c.late {
					t.Errorf("day %d, %s ahead: %v", i/1440, late, got)
				}
			}
		})
	}
}

// Some broken minutes do not close it.
func TestForesees_OutlivesABrokenMeasurement(t *testing.T) {
	t.Parallel()
	samples := observe(13, 12, season)
	for i := range 7 {
		samples[11*1440+i].Rate = forecast.MaxRate
	}
	if m := forecast.Fit(samples, end(samples), nil); !m.Foresees(10 * time.Minute) {
		t.Error("a spike has made the jobs be forgotten")
	}
}
