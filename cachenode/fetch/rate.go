// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import "time"

// Rate is how fast a job goes, smoothed over the looks that are taken at it. The zero
// value knows nothing yet.
type Rate struct {
	at        time.Time
	done      int64
	perSecond float64
}

// Looks closer together than minLook say nothing; one counts for as much as the time
// it spans, in units of settle.
const (
	minLook = 500 * time.Millisecond
	settle  = 10 * time.Second
)

// Look updates the rate with the bytes that are done by now and returns it, in bytes a
// second; 0 is unknown.
func (r *Rate) Look(now time.Time, done int64) float64 {
	span := now.Sub(r.at)
	switch {
	case r.at.IsZero():
		r.at, r.done = now, done
	case span >= minLook:
		current := float64(done-r.done) / span.Seconds()
		weight := min(1, span.Seconds()/settle.Seconds())
		if r.perSecond == 0 {
			weight = 1
		}
		r.perSecond += weight * (current - r.perSecond)
		r.at, r.done = now, done
	}
	return r.perSecond
}
