// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode/fetch"
)

func TestRate_IsUnknownThenSmooth(t *testing.T) {
	t.Parallel()
	var r fetch.Rate
	now := time.Unix(3600, 0)
	look := func(after time.Duration, done int64, want float64) {
		t.Helper()
		now = now.Add(after)
		if got := r.Look(now, done); got < want*0.999 || got > want*1.001 {
			t.Errorf("at %v: %v bytes a second, want %v", now.Unix(), got, want)
		}
	}
	look(0, 100, 0)
	look(100*time.Millisecond, 100, 0)                  // too soon to say
	look(900*time.Millisecond, 1100, 1000)              // the first measurement counts in full
	look(time.Second, 1100, 900)                        // a second of nothing weighs a tenth
	look(20*time.Second, 1100+20*5000, 5000)            // what is older than that is forgotten
	look(100*time.Millisecond, 1100+20*5000+1000, 5000) // looking often changes nothing
}
