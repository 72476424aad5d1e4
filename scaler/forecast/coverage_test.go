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

// A P90 that is exceeded a tenth of the time is what its buyers pay for: on the second week, over every horizon.
func TestQuantile_P90CoversNineOfTenMinutes(t *testing.T) {
	t.Parallel()
	samples := observe(7, 15, season)
	m := forecast.Fit(samples[:8*1440], samples[8*1440].At, nil)
	horizons := []time.Duration{time.Minute, 3 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}
	covered, asked := make([]int, len(horizons)), 0
	for i := 8 * 1440; i < len(samples)-61; i++ {
		asked++
		for j, horizon := range horizons {
			if samples[i+int(horizon.Minutes())].Rate <= quantile(t, m, samples[i].At, horizon, 0.9) {
				covered[j]++
			}
		}
		m.Observe(samples[i])
	}
	for j, horizon := range horizons {
		share := float64(covered[j]) / float64(asked)
		t.Logf("%s ahead: %.1f %%", horizon, 100*share)
		if share < 0.88 || share > 0.92 {
			t.Errorf("%s ahead the P90 covered %.1f %%, want 88 to 92 %%", horizon, 100*share)
		}
	}
}

// Weeks are not alike: after one whose days differed by half as much or twice as much, the P90 is one again within a day.
func TestQuantile_P90CoversWhenTheSpreadChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		before, after float64
	}{{"calmer", 0.3, 0.15}, {"wilder", 0.15, 0.3}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const change = 8 * 1440
			samples, rng := observe(14, 16, season), rand.New(rand.NewPCG(14, 2))
			for i := range samples {
				sigma := c.before
				if i >= change {
					sigma = c.after
				}
				samples[i].Rate *= math.Exp(sigma * rng.NormFloat64())
			}
			m, covered, asked := forecast.Fit(samples[:change], samples[change].At, nil), 0, 0
			for i := change; i < len(samples)-5; i++ {
				if i >= change+1440 {
					asked++
					if samples[i+5].Rate <= quantile(t, m, samples[i].At, 5*time.Minute, 0.9) {
						covered++
					}
				}
				m.Observe(samples[i])
			}
			share := float64(covered) / float64(asked)
			t.Logf("the P90 covered %.1f %%", 100*share)
			if share < 0.88 || share > 0.92 {
				t.Errorf("the P90 covered %.1f %%, want 88 to 92 %%", 100*share)
			}
		})
	}
}

// Seasonal-naive is what the same minute of yesterday was: whoever can't beat it need not be there.
func TestQuantile_MedianBeatsSeasonalNaive(t *testing.T) {
	t.Parallel()
	samples := observe(8, 15, season)
	m := forecast.Fit(samples[:8*1440], samples[8*1440].At, nil)
	var ours, naive float64
	for i := 8 * 1440; i < len(samples)-5; i++ {
		actual := samples[i+5].Rate
		ours += math.Abs(actual - quantile(t, m, samples[i].At, 5*time.Minute, 0.5))
		naive += math.Abs(actual - samples[i+5-1440].Rate)
		m.Observe(samples[i])
	}
	t.Logf("error of the median %.3f of seasonal-naive's", ours/naive)
	if ours >= 0.9*naive {
		t.Errorf("the median's error is %.2f of seasonal-naive's, want less than 0.9", ours/naive)
	}
}

// What comes later can't change what was forecast: the future is replaced by its opposite, and nothing moves.
func TestQuantile_KnowsNothingOfTheFuture(t *testing.T) {
	t.Parallel()
	samples := observe(9, 12, season)
	now := samples[10*1440].At
	changed := append([]forecast.Sample(nil), samples...)
	for i := 10 * 1440; i < len(changed); i++ {
		changed[i].Rate = 1000
	}
	a, b := forecast.Fit(samples, now, nil), forecast.Fit(changed, now, nil)
	for minutes := range 60 {
		horizon := time.Duration(minutes) * time.Minute
		if x, y := quantile(t, a, now, horizon, 0.9), quantile(t, b, now, horizon, 0.9); x != y {
			t.Fatalf("%s ahead: %v, with another future %v", horizon, x, y)
		}
	}
}

// A job that runs every hour is there before it starts.
func TestPeak_SeesTheJobOnTheHour(t *testing.T) {
	t.Parallel()
	samples := observe(10, 10, season) // ends on a Wednesday at midnight
	now := monday.Add(9*24*time.Hour + 10*time.Hour + 58*time.Minute)
	m := forecast.Fit(samples, now, nil)
	peak, err := m.Peak(now, 3*time.Minute, 0.8)
	if err != nil {
		t.Fatal(err)
	}
	if before := season(now); peak < before+5 {
		t.Errorf("two minutes before the job the peak is %.1f requests/s, want %.1f or more", peak, before+5)
	}
}
