// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestRetryIn_GrowsWithinBoundsAndIsPatientWithWhatAPersonMustMend(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1000).Draw(t, "n")
		if d := retryIn(n, cachenode.ErrUnavailable); d < firstRetry/2 || d > lastRetry || n == 1 && d > firstRetry {
			t.Errorf("retry %d of an outage after %v", n, d)
		}
		if d := retryIn(n, cachenode.ErrDenied); d < lastRetry/2 || d > lastRetry {
			t.Errorf("retry %d of a denial after %v", n, d)
		}
	})
}
