// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/hoist-dev/hoist/bench/scale/trace"
	"github.com/hoist-dev/hoist/scaler/forecast"
)

// horizons are how far ahead forecasts are judged: the leads of the cold starts, and a download's.
var horizons = []time.Duration{2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}

// score judges forecasts of the rate against what came, rolling the origin by a minute.
type score struct {
	minutes  int
	coverage []float64 // of the P90, one for each of horizons
	pinball  []float64 // mean loss of P50 and P90, in requests/s
	naive    []float64 // the same, of what was a day before, for all quantiles
}

// assess forecasts each minute from one on. The error is why there is no forecast at the end.
func assess(counts []float64, from int) (score, error) {
	s := score{coverage: make([]float64, len(horizons)), pinball: make([]float64, len(horizons)), naive: make([]float64, len(horizons))}
	model := forecast.New(nil)
	var why error
	for i := 1; i < len(counts)-1; i++ {
		now := trace.Monday.Add(time.Duration(i) * time.Minute)
		model.Observe(forecast.Sample{At: now.Add(-time.Minute), Rate: counts[i-1] / 60})
		if i < from {
			continue
		}
		if why = model.Ready(now); why == nil && i+30 < len(counts)-1 {
			s.add(model, counts, i, now)
		}
	}
	for j := range horizons {
		s.coverage[j] /= float64(max(1, s.minutes))
		s.pinball[j] /= float64(max(1, s.minutes))
		s.naive[j] /= float64(max(1, s.minutes))
	}
	return s, why
}

func (s *score) add(model *forecast.Model, counts []float64, i int, now time.Time) {
	s.minutes++
	for j, horizon := range horizons {
		at := i + int(horizon/time.Minute)
		actual := counts[at] / 60
		p50, _ := model.Quantile(now, horizon, 0.5)
		p90, _ := model.Quantile(now, horizon, 0.9)
		if actual <= p90 {
			s.coverage[j]++
		}
		s.pinball[j] += (pinball(actual, p50, 0.5) + pinball(actual, p90, 0.9)) / 2
		if before := at - 24*60; before >= 0 {
			yesterday := counts[before] / 60
			s.naive[j] += (pinball(actual, yesterday, 0.5) + pinball(actual, yesterday, 0.9)) / 2
		}
	}
}

// pinball is the loss of a quantile.
func pinball(actual, forecast, q float64) float64 {
	if actual >= forecast {
		return q * (actual - forecast)
	}
	return (1 - q) * (forecast - actual)
}
