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

// monday is when the made-up histories begin.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// season is a made-up rate, in requests/s: a day's wave, quieter weekends, a job on the hour.
func season(at time.Time) float64 {
	hour := float64(at.Hour()) + float64(at.Minute())/60
	rate := 3 + 2.5*math.Cos((hour-14)/24*2*math.Pi)
	if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		rate *= 0.5
	} else if at.Hour() >= 9 && at.Hour() < 17 && at.Minute() < 10 {
		rate += 6
	}
	return rate
}

// arrivals is the measured rate of a minute with that mean: a Poisson count, as a normal one, and days that differ.
func arrivals(rng *rand.Rand, mean float64) float64 {
	count := mean*60 + rng.NormFloat64()*math.Sqrt(mean*60)
	return max(0, math.Round(count)) / 60
}

// observe makes some days of samples from monday.
func observe(seed uint64, days int, rate func(time.Time) float64) []forecast.Sample {
	rng := rand.New(rand.NewPCG(seed, 1))
	samples := make([]forecast.Sample, 0, days*1440)
	for minute := range days * 1440 {
		at := monday.Add(time.Duration(minute) * time.Minute)
		samples = append(samples, forecast.Sample{At: at, Rate: arrivals(rng, rate(at))})
	}
	return samples
}

func end(samples []forecast.Sample) time.Time { return samples[len(samples)-1].At.Add(time.Minute) }

func quantile(t *testing.T, m *forecast.Model, now time.Time, horizon time.Duration, q float64) float64 {
	t.Helper()
	v, err := m.Quantile(now, horizon, q)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
