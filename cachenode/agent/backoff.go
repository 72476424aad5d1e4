// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"math/rand/v2"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// retryIn is how long to wait after the n-th failure in a row (n from 1): full
// jitter under an exponential bound, so that a fleet does not come back in step.
// What a person has to mend is looked at at the slowest pace from the start.
func retryIn(n int, err error) time.Duration {
	bound := lastRetry
	if cachenode.ClassOf(err) != cachenode.Permanent && n < 10 {
		bound = min(firstRetry<<(n-1), lastRetry)
	}
	return bound/2 + rand.N(bound/2)
}
