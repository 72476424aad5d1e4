// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

const (
	minQuantile = 0.5  // below, a forecast is not worth its GPUs
	maxQuantile = 0.99 // above, a week of errors says nothing
)

// Newsvendor is the quantile of a forecast to prepare for: Cu/(Cu+Co). missCost is what a minute of a missing replica costs, idleCost a
// minute of an idle one, in any one unit. Costs that make no sense give the median.
func Newsvendor(missCost, idleCost float64) float64 {
	costs := func(c float64) bool { return c >= 0 && !math.IsInf(c, 0) } // false of NaN
	if !costs(missCost) || !costs(idleCost) || missCost == 0 {
		return minQuantile
	}
	return min(maxQuantile, max(minQuantile, 1/(1+idleCost/missCost)))
}
