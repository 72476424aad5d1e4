// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"cmp"
	"math"
	"slices"
)

// residualsKept is a week of them.
const residualsKept = weekMinutes / stride

// residuals are the last errors, in order of time and of size, and what their quantiles turned out to be worth.
type residuals struct {
	ring   []half
	next   int
	sorted []half
	ranks
}

func (r *residuals) add(v float64) {
	if len(r.sorted) >= minResiduals {
		r.learn(func(q float64) bool { return v <= r.ranked(q) })
	}
	x := halfOf(v)
	if r.ring == nil {
		r.ring, r.sorted = make([]half, 0, residualsKept), make([]half, 0, residualsKept)
	}
	if len(r.ring) < residualsKept {
		r.ring = append(r.ring, x)
	} else {
		old, _ := r.place(r.ring[r.next])
		r.sorted = slices.Delete(r.sorted, old, old+1)
		r.ring[r.next] = x
		r.next = (r.next + 1) % residualsKept
	}
	at, _ := r.place(x)
	r.sorted = slices.Insert(r.sorted, at, x)
}

func (r *residuals) place(x half) (int, bool) {
	return slices.BinarySearchFunc(r.sorted, x, func(a, b half) int { return cmp.Compare(a.float(), b.float()) })
}

// ranked is the conformal quantile: of n+1 values, the next one included, a share of q is not above it.
func (r *residuals) ranked(q float64) float64 {
	n := len(r.sorted)
	rank := int(math.Ceil(q * float64(n+1)))
	return float64(r.sorted[min(n, max(1, rank))-1].float())
}

// around is the quantile of the rate, in requests/s, whose forecast is point.
func (r *residuals) around(point, q float64) (float64, error) {
	if n := len(r.sorted); n < minResiduals {
		return 0, insufficient(Uncalibrated, "%d forecasts were compared with what came, %d are needed", n, minResiduals)
	}
	return min(MaxRate, max(0, point+r.ranked(r.of(q))*spread(point))), nil
}
