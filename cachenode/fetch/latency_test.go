// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"math"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestLatency_ComparesLikeWithLike(t *testing.T) {
	t.Parallel()
	var l latency
	for i := range enoughSamples {
		if got := l.expect(pieceSize); got != 0 {
			t.Errorf("%v expected after %d samples, want 0", got, i)
		}
		l.add(100, time.Millisecond)
		l.add(cachenode.ChunkSize/2, time.Second)
	}
	if got := l.expect(1); got != time.Millisecond {
		t.Errorf("a small request should take %v, want 1 ms", got)
	}
	if got := l.expect(cachenode.ChunkSize); math.Abs(got.Seconds()-2) > 1e-6 {
		t.Errorf("a chunk should take %v, want 2 s", got)
	}
	for range 1000 {
		l.add(100, 3*time.Millisecond)
	}
	if got := l.expect(1); got != 3*time.Millisecond {
		t.Errorf("old samples are not forgotten: %v", got)
	}
}
