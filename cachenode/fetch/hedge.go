// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import "time"

// lap is how far one attempt is.
type lap struct {
	elapsed time.Duration
	expect  time.Duration // what is normal for its size, 0 if unknown
	asked   int64         // bytes
	got     int64         // bytes
}

// late reports whether a second request would probably overtake the attempt: it
// has taken twice what is normal, or at its pace it will take four times that.
func (l lap) late() bool {
	switch {
	case l.expect == 0:
		return false
	case l.elapsed > 2*l.expect:
		return true
	case l.elapsed < l.expect/2:
		return false // too early to know its pace
	}
	return float64(l.elapsed)*float64(l.asked) > 4*float64(l.expect)*float64(l.got)
}

// lateness orders laps: the larger, the more a second request may save.
func (l lap) lateness() float64 { return float64(l.elapsed) / float64(max(l.expect, 1)) }

// slowest is the index of the latest attempt, -1 if none is late.
func slowest(laps []lap) int {
	worst, most := -1, 0.0
	for i, l := range laps {
		if l.late() && l.lateness() > most {
			worst, most = i, l.lateness()
		}
	}
	return worst
}

// hedge uses connections that have nothing to do for a second request for the
// slowest chunks, within the budget of retries. s.mu is held.
func (s *Scheduler) hedge(now time.Time) {
	allowed := s.pause.allowed(now, s.limit.n)
	if s.queue.len() > 0 || len(s.running) >= allowed {
		return
	}
	attempts, laps := s.laps(now)
	for len(s.running) < allowed {
		i := slowest(laps)
		if i < 0 || !s.retries.spare() {
			return
		}
		s.Observer.Hedged()
		s.start(attempts[i].chunk)
		laps[i] = lap{}
	}
}

// laps lists the attempts that may be hedged. s.mu is held.
func (s *Scheduler) laps(now time.Time) (attempts []*attempt, laps []lap) {
	for a := range s.running {
		c := a.chunk
		if c.racing == 1 && c.attempts < s.Attempts && !c.taken() && !c.flight.over() {
			attempts = append(attempts, a)
			laps = append(laps, lap{elapsed: now.Sub(a.began), expect: s.latency.expect(a.asked), asked: a.asked, got: a.got.Load()})
		}
	}
	return attempts, laps
}
