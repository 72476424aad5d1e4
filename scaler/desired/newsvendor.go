// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package desired

const (
	minQuantile = 0.5  // below, a forecast is not worth its GPUs
	maxQuantile = 0.99 // above, a week of errors says nothing
)

// Quantile is the one of the forecast to prepare for: the newsvendor's, Cu/(Cu+Co). missCost is what a minute of a missing replica
// costs, idleCost a minute of an idle one, in any one unit. Costs that make no sense give the median.
func Quantile(missCost, idleCost float64) float64 {
	if !measured(missCost) || !measured(idleCost) || missCost == 0 {
		return minQuantile
	}
	return min(maxQuantile, max(minQuantile, 1/(1+idleCost/missCost)))
}
