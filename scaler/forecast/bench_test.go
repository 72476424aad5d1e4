// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"testing"
	"time"

	"github.com/hoist-dev/hoist/scaler/forecast"
)

// BenchmarkThousandPolicies is what a controller does each minute: a minute is observed, and two forecasts are asked for, for each
// of 1,000 policies with a fortnight of history.
func BenchmarkThousandPolicies(b *testing.B) {
	samples := observe(1, 28, season)
	now := end(samples)
	models := make([]*forecast.Model, 1000)
	for i := range models {
		models[i] = forecast.Fit(samples[len(samples)-14*1440:], now, nil)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for _, m := range models {
			m.Observe(forecast.Sample{At: now, Rate: season(now)})
			for _, horizon := range []time.Duration{3 * time.Minute, 10 * time.Minute} {
				if _, err := m.Peak(now.Add(time.Minute), horizon, 0.9); err != nil {
					b.Fatal(err)
				}
			}
		}
		now = now.Add(time.Minute)
	}
}

// BenchmarkFit is what a restart costs a policy with four weeks of history.
func BenchmarkFit(b *testing.B) {
	samples := observe(1, 28, season)
	b.ResetTimer()
	for range b.N {
		forecast.Fit(samples, end(samples), nil)
	}
}
