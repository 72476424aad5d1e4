// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

// asked are the quantiles that are watched, with the ends, which need no watching.
var asked = [...]float64{0, 0.5, 0.8, 0.9, 0.99, 1}

// quickness is how far one error moves a rank: a day of errors on one side of it, by as much as the share that should be there.
const quickness = 1.0 / (dayMinutes / stride)

// ranks say which quantile of the kept errors is the one that shall hold now: a lower one where errors have become smaller since, a higher one where
// larger (adaptive conformal inference, Gibbs and Candès 2021).
type ranks struct {
	moved [len(asked)]float64
}

// learn takes in whether an error was within the quantile of a rank.
func (r *ranks) learn(within func(rank float64) bool) {
	for i := 1; i < len(asked)-1; i++ {
		rank, step := asked[i]+r.moved[i], asked[i]
		if within(rank) {
			step--
		}
		r.moved[i] = min(1, max(0, rank+quickness*step)) - asked[i]
	}
}

// of is the rank for a quantile: on a line between those that are watched, and never below that of a lower one.
func (r *ranks) of(q float64) float64 {
	low, lowRank := 0.0, 0.0
	for i := 1; ; i++ {
		high, highRank := asked[i], max(lowRank, asked[i]+r.moved[i])
		if q <= high {
			return lowRank + (highRank-lowRank)*(q-low)/(high-low)
		}
		low, lowRank = high, highRank
	}
}
