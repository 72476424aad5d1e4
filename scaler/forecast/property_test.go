// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/scaler/forecast"
)

// For any rate at all, of any scale and with any holes, quantiles are finite, not negative, and in order, and so are peaks.
func TestQuantile_AndPeakAreFiniteAndInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scale := math.Pow(10, rapid.Float64Range(-4, 8).Draw(t, "scale"))
		holes := rapid.IntRange(8, 1000).Draw(t, "holes")
		samples := observe(rapid.Uint64().Draw(t, "seed"), 8, func(at time.Time) float64 { return scale * season(at) })
		broken := rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), -1, 1e300}).Draw(t, "broken")
		for i := range samples {
			if i%holes == 0 {
				samples[i].Rate = broken
			}
		}
		now := end(samples)
		m := forecast.Fit(samples, now, nil)
		horizon := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "horizon"))
		last, peak := 0.0, 0.0
		for _, q := range []float64{0.01, 0.5, 0.9, 0.99} {
			v, err := m.Quantile(now, horizon, q)
			if err != nil {
				t.Fatal(err)
			}
			if v < last || math.IsInf(v, 0) || math.IsNaN(v) {
				t.Fatalf("quantile %v is %v, the one before %v", q, v, last)
			}
			rise, err := m.Peak(now, horizon, q)
			later, err2 := m.Peak(now, min(time.Hour, horizon+10*time.Minute), q)
			if err != nil || err2 != nil || !(rise >= peak && later >= rise && later <= forecast.MaxRate) {
				t.Fatalf("peak %v, of a lower quantile %v, of longer %v (%v, %v)", rise, peak, later, err, err2)
			}
			peak = rise
			last = v
		}
	})
}

// FuzzObserve gives a Model any bytes for times and rates: it neither panics nor invents a forecast that is no number.
func FuzzObserve(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0x40, 0, 0, 0, 0, 0, 0, 0}, int64(60), 0.9)
	f.Fuzz(func(t *testing.T, raw []byte, horizon int64, q float64) {
		var samples []forecast.Sample
		for ; len(raw) >= 16; raw = raw[16:] {
			at := time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)
			samples = append(samples, forecast.Sample{At: at, Rate: math.Float64frombits(binary.BigEndian.Uint64(raw[8:]))})
		}
		m := forecast.New(nil)
		for _, s := range samples {
			m.Observe(s)
			v, err := m.Quantile(s.At, time.Duration(horizon), q)
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || err != nil && v != 0 {
				t.Fatalf("%v, %v", v, err)
			}
		}
		forecast.Fit(samples, monday, nil)
	})
}
