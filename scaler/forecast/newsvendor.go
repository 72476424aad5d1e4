// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"time"
)

const (
	minQuantile = 0.5  // below, a forecast is not worth its GPUs
	maxQuantile = 0.99 // above, a week of errors says nothing

	missCost = 4.0             // what a minute of a missing replica costs, in minutes of an idle one
	idles    = 5 * time.Minute // for which a replica that was made in vain stays: an HPA's window before it goes down
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

// ForReplicas is the quantile that replicas are made ahead for, where one that is missing is there after so long: what a quick start mends
// soon is not worth many idle replicas.
func ForReplicas(start time.Duration) float64 {
	return Newsvendor(missCost*start.Seconds(), idles.Seconds())
}
