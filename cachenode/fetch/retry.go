// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"

	"github.com/hoist-dev/hoist/cachenode"
)

// Bounds on waiting, for a chunk after a failure and for the node after a SlowDown.
const (
	backoffBase   = 200 * time.Millisecond
	backoffMax    = 20 * time.Second
	retryAfterMax = time.Minute // an origin that asks for more is not believed
)

// backoff is how long to wait before the n-th retry (1 is the first): exponential
// with full jitter, luck in [0, 1), so that failing nodes do not return in step
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func backoff(n int, luck float64) time.Duration {
	ceiling := backoffMax
	if n < 8 {
		ceiling = min(backoffMax, backoffBase<<max(n, 0))
	}
	return time.Duration(luck * float64(ceiling))
}

// budget keeps retries a small part of what the node asks of its origins. It does
// not refuse a retry, it delays it: about one in ten requests may be one, plus one
// a second, so that the last chunks of a download are not starved.
type budget struct{ tokens *rate.Limiter }

// Retries allowed per request in the long run, and per second beyond that.
const (
	retryShare   = 0.1
	retryTrickle = 1.0
)

// newBudget allows burst retries at once: everything in flight may fail once.
func newBudget(burst int) budget {
	return budget{rate.NewLimiter(retryTrickle, burst)}
}

// observe tells the budget how many requests the node makes per second.
func (b budget) observe(requestsPerSecond float64) {
	b.tokens.SetLimit(rate.Limit(retryTrickle + retryShare*requestsPerSecond))
}

// reserve takes one retry from the budget and returns how long it must wait.
func (b budget) reserve() time.Duration { return b.tokens.Reserve().Delay() }

// spare takes one request from the budget if that needs no waiting.
func (b budget) spare() bool { return b.tokens.Allow() }

// retryDelay is how long a chunk waits after its n-th attempt failed with err.
func (b budget) retryDelay(n int, err error) time.Duration {
	return max(b.reserve(), backoff(n, rand.Float64()), retryAfter(err))
}

// retryAfter is what the origin asked for, within reason.
func retryAfter(err error) time.Duration { return min(cachenode.RetryAfter(err), retryAfterMax) }
