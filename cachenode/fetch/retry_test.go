// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoff_GrowsToItsCap(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{0: backoffBase, 1: 2 * backoffBase, 3: 8 * backoffBase, 7: backoffMax, 8: backoffMax, 1000: backoffMax} {
		if got := backoff(n, 1); got != want {
			t.Errorf("backoff(%d) is at most %v, want %v", n, got, want)
		}
		if got := backoff(n, 0); got != 0 {
			t.Errorf("backoff(%d) is at least %v, want 0", n, got)
		}
	}
}

// C1: after a burst, retries wait until they are a tenth of the requests, plus one a
// second.
func TestBudget_KeepsRetriesATenth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(4)
		for range 4 {
			if d := b.reserve(); d != 0 {
				t.Errorf("a retry of the burst waits %v", d)
			}
		}
		if d := b.reserve(); d != time.Second || b.spare() {
			t.Errorf("the next waits %v, want 1 s, and nothing is to spare", d)
		}
		b.observe(90)
		var last time.Duration
		for range 100 {
			last = b.reserve()
		}
		if last < 9*time.Second || last > 11*time.Second {
			t.Errorf("a hundred retries take %v at 90 requests a second, want 10 s", last)
		}
	})
}
