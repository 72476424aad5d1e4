// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"slices"
)

// residualsKept is a week of them.
const residualsKept = weekMinutes / stride

// residuals are the last errors, in order of time and of size.
type residuals struct {
	ring   []float32
	next   int
	sorted []float32
}

func (r *residuals) add(v float64) {
	x := float32(v)
	if len(r.ring) < residualsKept {
		r.ring = append(r.ring, x)
	} else {
		old, _ := slices.BinarySearch(r.sorted, r.ring[r.next])
		r.sorted = slices.Delete(r.sorted, old, old+1)
		r.ring[r.next] = x
		r.next = (r.next + 1) % residualsKept
	}
	at, _ := slices.BinarySearch(r.sorted, x)
	r.sorted = slices.Insert(r.sorted, at, x)
}

// quantile is the conformal one: of n+1 values, the next one included, a share of q is not above it.
func (r *residuals) quantile(q float64) float64 {
	n := len(r.sorted)
	rank := int(math.Ceil(q * float64(n+1)))
	return float64(r.sorted[min(n, max(1, rank))-1])
}

// around is the quantile of the rate, in requests/s, whose forecast is point.
func (r *residuals) around(point, q float64) (float64, error) {
	if n := len(r.sorted); n < minResiduals {
		return 0, insufficient(Uncalibrated, "%d forecasts were compared with what came, %d are needed", n, minResiduals)
	}
	return min(MaxRate, max(0, point+r.quantile(q)*spread(point))), nil
}
