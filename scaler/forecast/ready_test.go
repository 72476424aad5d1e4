// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/scaler/forecast"
)

func reason(t *testing.T, err error) forecast.Reason {
	t.Helper()
	var why *forecast.Insufficient
	if err != nil && !errors.As(err, &why) {
		t.Fatalf("%v is no *Insufficient", err)
	}
	if why == nil {
		return ""
	}
	return why.Reason
}

func TestReady_SaysWhyThereIsNoForecast(t *testing.T) {
	t.Parallel()
	fortnight := observe(1, 14, season)
	gappy := slices.Clone(fortnight)
	for i := range gappy {
		if i%3 == 0 {
			gappy[i].Rate = math.NaN()
		}
	}
	for _, c := range []struct {
		name    string
		samples []forecast.Sample
		later   time.Duration
		want    forecast.Reason
	}{
		{"nothing", nil, 0, forecast.InsufficientHistory},
		{"an hour", fortnight[:60], 0, forecast.InsufficientHistory},
		{"six days", fortnight[:6*1440], 0, forecast.InsufficientHistory},
		{"a week", fortnight[:7*1440], 0, ""},
		{"a fortnight", fortnight, 0, ""},
		{"a third is missing", gappy, -2 * time.Minute, forecast.TooManyGaps},
		{"five minutes old", fortnight, 4 * time.Minute, ""},
		{"six minutes old", fortnight, 6 * time.Minute, forecast.Stale},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := monday.Add(c.later)
			if len(c.samples) > 0 {
				now = end(c.samples).Add(c.later)
			}
			m := forecast.Fit(c.samples, now, nil)
			_, err := m.Quantile(now, time.Minute, 0.9)
			if got := reason(t, err); got != c.want {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestQuantile_RefusesQuestionsWithoutAnswer(t *testing.T) {
	t.Parallel()
	samples := observe(2, 8, season)
	now := end(samples)
	m := forecast.Fit(samples, now, nil)
	for _, q := range []float64{0, 1, -1, math.NaN(), math.Inf(1)} {
		if _, err := m.Quantile(now, time.Minute, q); reason(t, err) != forecast.BadQuestion {
			t.Errorf("quantile %v: %v", q, err)
		}
	}
	for _, horizon := range []time.Duration{-1, forecast.MaxHorizon + 1, math.MaxInt64, math.MinInt64} {
		if _, err := m.Peak(now, horizon, 0.9); reason(t, err) != forecast.BadQuestion {
			t.Errorf("horizon %v: %v", horizon, err)
		}
	}
}

// A minute that is not known is missing, not zero: dropping a tenth of them hardly moves the forecast.
func TestFit_AGapIsNotZero(t *testing.T) {
	t.Parallel()
	samples := observe(3, 14, season)
	now := end(samples)
	var gaps []forecast.Sample
	for i, s := range samples {
		if i%10 != 3 {
			gaps = append(gaps, s)
		}
	}
	whole := quantile(t, forecast.Fit(samples, now, nil), now, 10*time.Minute, 0.5)
	holed := quantile(t, forecast.Fit(gaps, now, nil), now, 10*time.Minute, 0.5)
	if math.Abs(whole-holed) > 0.15*whole {
		t.Errorf("median %.3f with all minutes, %.3f without a tenth of them", whole, holed)
	}
}

func TestFit_OrderAndRepetitionChangeNothing(t *testing.T) {
	t.Parallel()
	samples := observe(4, 9, season)
	now := end(samples)
	shuffled := slices.Clone(samples)
	slices.Reverse(shuffled)
	shuffled = append(shuffled, samples[:5000]...)
	a := quantile(t, forecast.Fit(samples, now, nil), now, time.Minute, 0.9)
	if b := quantile(t, forecast.Fit(shuffled, now, nil), now, time.Minute, 0.9); a != b {
		t.Errorf("%v in order, %v out of order", a, b)
	}
}

// Office hours follow the clock on the wall, over the night in which it is put forward too.
func TestFit_FollowsTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones on this machine:", err)
	}
	office := func(at time.Time) float64 { return season(at.In(berlin)) }
	samples := observe(5, 29, office) // summer time begins on day 27, March 29
	now := time.Date(2026, 3, 30, 10, 58, 0, 0, berlin)
	peak, err := forecast.Fit(samples, now, berlin).Peak(now, 3*time.Minute, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if want := season(time.Date(2026, 3, 30, 11, 1, 0, 0, time.UTC)); math.Abs(peak-want) > 0.2*want {
		t.Errorf("on the day after the change the job on the hour is forecast at %.1f, want about %.1f requests/s", peak, want)
	}
}

// After a month of silence nothing of what was is left.
func TestObserve_ForgetsAfterALongGap(t *testing.T) {
	t.Parallel()
	samples := observe(6, 8, season)
	m := forecast.Fit(samples, end(samples), nil)
	at := end(samples).Add(30 * 24 * time.Hour)
	if !m.Observe(forecast.Sample{At: at, Rate: 1}) {
		t.Fatal("not taken")
	}
	if got := reason(t, m.Ready(at.Add(time.Minute))); got != forecast.InsufficientHistory {
		t.Errorf("got %q, want %q", got, forecast.InsufficientHistory)
	}
}
