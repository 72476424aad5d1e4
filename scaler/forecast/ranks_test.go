// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever is learned, ranks are shares, a higher quantile has no lower rank, and before anything is learned they are the quantiles.
func TestRanks_NeverFall(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var r ranks
		if q := rapid.Float64Range(0.001, 0.999).Draw(t, "q"); r.of(q) < q-1e-12 || r.of(q) > q+1e-12 {
			t.Fatalf("%v has the rank %v", q, r.of(q))
		}
		for _, covers := range rapid.SliceOfN(rapid.Float64Range(-0.1, 1.1), 0, 3).Draw(t, "covers") {
			for range rapid.IntRange(0, 1000).Draw(t, "times") {
				r.learn(func(rank float64) bool { return rank >= covers })
			}
		}
		last := 0.0
		for i := 1; i < 1000; i++ {
			rank := r.of(float64(i) / 1000)
			if !(rank >= last && rank <= 1) {
				t.Fatalf("the rank of %v is %v, the one before %v", float64(i)/1000, rank, last)
			}
			last = rank
		}
	})
}

// A half is within a 256th of what it was made of, and no measurement becomes a missing one.
func TestHalf_IsNear(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(-MaxRate*1e6, MaxRate*1e6).Draw(t, "v")
		h := halfOf(v)
		if back := float64(h.float()); h == missing || max(back-v, v-back) > max(v, -v)/256+1e-38 {
			t.Fatalf("%v became %v", v, back)
		}
	})
}
