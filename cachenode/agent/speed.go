// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"time"

	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// speed is how fast a fill goes, smoothed over the looks that people and scrapes
// take at it. The zero value knows nothing yet.
type speed struct {
	at        time.Time
	done      int64
	perSecond float64
}

// Looks closer together than minLook say nothing; one counts for as much as the
// time it spans, in units of settle.
const (
	minLook = 500 * time.Millisecond
	settle  = 10 * time.Second
)

// look updates the speed with what is done now.
func (s *speed) look(now time.Time, done int64) {
	span := now.Sub(s.at)
	switch {
	case s.at.IsZero():
		s.at, s.done = now, done
	case span >= minLook:
		current := float64(done-s.done) / span.Seconds()
		weight := min(1, span.Seconds()/settle.Seconds())
		if s.perSecond == 0 {
			weight = 1
		}
		s.perSecond += weight * (current - s.perSecond)
		s.at, s.done = now, done
	}
}

// describe fills in what m says about a fill that is running.
func (s *speed) describe(m *ModelStatus, p fetch.Snapshot) {
	s.look(time.Now(), p.Done)
	if p.Total == 0 {
		return // not resolved yet: what is held is all there is to say
	}
	m.Bytes, m.BytesDone = p.Total, p.Done
	m.BytesPerSecond, m.RemainingSeconds = -1, -1
	if s.perSecond >= 1 {
		m.BytesPerSecond = int64(s.perSecond)
		m.RemainingSeconds = int64(float64(p.Total-p.Done) / s.perSecond)
	}
}
