// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

const (
	metadataTries   = 5
	metadataTimeout = time.Minute // of one request without content
	firstPause      = 100 * time.Millisecond
	longestPause    = 30 * time.Second
)

var errSlow = fmt.Errorf("no complete answer within %v: %w", metadataTimeout, cachenode.ErrUnavailable)

// persist calls do, which makes requests without content, again while that may help.
func (s *Source) persist(ctx context.Context, at target, do func(ctx context.Context) error) error {
	for try := 1; ; try++ {
		once, cancel := context.WithTimeoutCause(ctx, metadataTimeout, errSlow)
		err := do(once)
		cancel()
		class := cachenode.ClassOf(err)
		if err == nil || try == metadataTries || ctx.Err() != nil || class != cachenode.Retryable && class != cachenode.Throttled {
			return err
		}
		s.log.Debug("trying again", "op", at.op, "object", at.uri, "try", try, "error", err)
		if stopped := s.pause(ctx, wait(try, cachenode.RetryAfter(err))); stopped != nil {
			return fmt.Errorf("%s %s: %w", at.op, at.uri, stopped)
		}
	}
}

// wait doubles with each try, jittered over its whole length so that a fleet that was
// refused together does not come back together; what the hub asks for is the least.
func wait(try int, after time.Duration) time.Duration {
	return min(after+rand.N(firstPause<<try), longestPause)
}
