// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"math/rand/v2"
	"time"
)

// pause is a time in which no new request is made, because the origin asked for
// that or because nothing but errors comes back. The zero value is none.
type pause struct {
	until  time.Time
	streak int // failures since the last success
}

// allowed is how many of limit connections may be used at now. In an outage, when
// each of them has failed in a row, one at a time finds out whether it is over: the
// first attempt of every chunk that waits is not wasted on it.
func (p *pause) allowed(now time.Time, limit int) int {
	switch {
	case p.open(now):
		return 0
	case p.streak >= limit:
		return 1
	}
	return limit
}

func (p *pause) open(now time.Time) bool { return now.Before(p.until) }

func (p *pause) succeeded() { p.streak = 0 }

// failed returns how long to pause after a failed request under a limit: at once
// for a SlowDown, else from the beginning of an outage on, longer with each failure.
func (p *pause) failed(throttled bool, limit int, after time.Duration) time.Duration {
	p.streak++
	outage := max(0, p.streak-limit)
	switch {
	case throttled:
		return max(after, backoff(outage, 0.5+rand.Float64()/2))
	case p.streak >= limit:
		return max(after, backoff(outage, rand.Float64()))
	}
	return after
}

// extend makes the pause last d from now, and reports whether that changed it.
func (p *pause) extend(now time.Time, d time.Duration) bool {
	if d <= 0 || !now.Add(d).After(p.until) {
		return false
	}
	p.until = now.Add(d)
	return true
}
