// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"testing"
	"time"
)

// An outage begins when every connection has failed in a row, and ends with the
// first success; a SlowDown pauses at once; Retry-After is a lower bound.
func TestPause_TellsOutagesFromFailures(t *testing.T) {
	t.Parallel()
	var p pause
	now := time.Now()
	for i := range 3 {
		if d := p.failed(false, 4, 0); d != 0 || p.allowed(now, 4) != 4 {
			t.Errorf("failure %d pauses for %v and allows %d", i+1, d, p.allowed(now, 4))
		}
	}
	p.failed(false, 4, 0)
	if got := p.allowed(now, 4); got != 1 {
		t.Errorf("%d connections allowed in an outage, want 1", got)
	}
	p.succeeded()
	if got := p.allowed(now, 4); got != 4 {
		t.Errorf("%d connections allowed after it, want 4", got)
	}
	if d := p.failed(true, 4, time.Second); d < time.Second {
		t.Errorf("a pause of %v, less than was asked for", d)
	}
	if !p.extend(now, time.Second) || p.extend(now, time.Millisecond) || p.allowed(now, 4) != 0 || p.allowed(now.Add(time.Second), 4) != 4 {
		t.Errorf("a pause of a second is not one: %+v", p)
	}
}
