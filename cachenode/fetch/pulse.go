// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import "time"

// pulseEvery is how often a busy scheduler looks at itself.
const pulseEvery = 50 * time.Millisecond

// A window closes when it is old enough and holds enough work to mean something.
// A request counts as some bytes, so that a thousand small files are work too:
// 1 MiB is what a connection carries in the latency of one request.
const (
	windowAge   = 250 * time.Millisecond
	requestWork = 1 << 20
)

// gauge measures goodput in windows. Guarded by Scheduler.mu.
type gauge struct {
	since    time.Time
	bytes    int64 // received when the window opened
	requests int64 // ended in this window
	starved  bool
	slowed   bool  // the limit was halved in this window
	speed    int64 // bytes per second, last measured
}

// beat runs the pulse of the scheduler until it is closed.
func (s *Scheduler) beat() {
	defer s.ticks.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-s.ticks.C:
			s.mu.Lock()
			s.measure(now)
			s.hedge(now)
			s.mu.Unlock()
		}
	}
}

// wake starts the pulse when the first attempt starts. s.mu is held.
func (s *Scheduler) wake() {
	if !s.beating {
		s.beating = true
		s.gauge = gauge{since: time.Now(), bytes: s.received.Load()}
		s.ticks.Reset(pulseEvery)
	}
}

// sleep stops it when there is nothing to do. s.mu is held.
func (s *Scheduler) sleep() {
	s.beating = false
	s.gauge = gauge{}
	s.ticks.Stop()
	s.pool.trim()
}

// measure closes the window if it is time and adapts the limit. s.mu is held.
func (s *Scheduler) measure(now time.Time) {
	g, received := &s.gauge, s.received.Load()
	if len(s.running) == 0 {
		s.sleep()
		return
	}
	g.starved = g.starved || len(s.running) < s.limit.n
	age, bytes := now.Sub(g.since), received-g.bytes
	if age < windowAge {
		return
	}
	work := bytes + g.requests*requestWork
	if work < int64(s.limit.n)*pieceSize && !g.starved && !g.slowed {
		return
	}
	g.speed = int64(float64(bytes) / age.Seconds())
	s.retries.observe(float64(g.requests) / age.Seconds())
	if !g.slowed {
		s.setLimit(s.limit.after(window{goodput: float64(work) / age.Seconds(), starved: g.starved}))
	}
	*g = gauge{since: now, bytes: received, speed: g.speed}
	s.dispatch()
}
