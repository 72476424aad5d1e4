// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package desired

import (
	"math"
	"slices"
	"time"
)

const (
	// PriorColdStart is taken for a cold start until enough were measured.
	PriorColdStart = 180 * time.Second

	enoughColdStarts = 5
)

// Lead is the time from a demand to a replica that answers to it: the metric's scrape, the autoscaler's poll, and the P90 of the measured
// cold starts, newest last, of which the caller keeps as many as are still typical.
func Lead(scrape, poll time.Duration, coldStarts []time.Duration) time.Duration {
	cold := PriorColdStart
	if n := len(coldStarts); n >= enoughColdStarts {
		sorted := slices.Sorted(slices.Values(coldStarts))
		cold = sorted[int(math.Ceil(0.9*float64(n)))-1]
	}
	return max(0, scrape) + max(0, poll) + max(0, cold)
}
