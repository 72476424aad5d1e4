// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"slices"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// latency remembers how long recent requests took, to tell a slow one from a
// normal one. The zero value knows nothing.
type latency struct{ large, small recent }

// enoughSamples is how many requests say what is normal.
const enoughSamples = 8

// add records that a request for n bytes succeeded after d. Large requests are
// compared by what a whole chunk would have taken, small ones as they are.
func (l *latency) add(n int64, d time.Duration) {
	if n < pieceSize {
		l.small.add(d)
	} else {
		l.large.add(time.Duration(float64(d) * cachenode.ChunkSize / float64(n)))
	}
}

// expect is what 95 of 100 requests for n bytes stay below, 0 if that is unknown.
func (l *latency) expect(n int64) time.Duration {
	if n < pieceSize {
		return l.small.p95()
	}
	return time.Duration(float64(l.large.p95()) * float64(n) / cachenode.ChunkSize)
}

// recent is a ring of the last durations.
type recent struct {
	ring [64]time.Duration
	n    int // so far
}

func (r *recent) add(d time.Duration) {
	r.ring[r.n%len(r.ring)] = d
	r.n++
}

func (r *recent) p95() time.Duration {
	if r.n < enoughSamples {
		return 0
	}
	sorted := slices.Sorted(slices.Values(r.ring[:min(r.n, len(r.ring))]))
	return sorted[len(sorted)*95/100]
}
