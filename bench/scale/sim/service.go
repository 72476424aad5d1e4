// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math"
	"time"
)

// service is the state of a run.
type service struct {
	config   Config
	policy   Policy
	replicas []*replica // oldest first; those that are draining among them
	wanted   int        // replicas that are not draining
	made     int
	waiting  queue
	running  ends
	now      time.Duration
	soonest  time.Duration // when the next replica answers; 0 is not known
	scraped  Metrics
	arrived  int
	inFlight float64 // integral, in request seconds
	recorder recorder
}

type replica struct {
	id       int
	ready    bool
	readyAt  time.Duration
	busy     int
	draining bool
}

const never = time.Duration(math.MaxInt64)

func (s *service) nextReady() time.Duration {
	if s.soonest == 0 {
		s.soonest = never
		for _, r := range s.replicas {
			if !r.ready {
				s.soonest = min(s.soonest, r.readyAt)
			}
		}
	}
	return s.soonest
}

func (s *service) advance(to time.Duration) {
	took := to - s.now
	s.inFlight += took.Seconds() * float64(len(s.running)+s.waiting.len())
	s.recorder.replicas(s.now, took, len(s.replicas))
	s.now = to
}

func (s *service) arrive(a Arrival) {
	s.arrived++
	s.waiting.push(a)
	s.dispatch()
}

// dispatch gives waiting requests to replicas while there are slots.
func (s *service) dispatch() {
	for s.waiting.len() > 0 {
		r := s.leastBusy()
		if r == nil {
			return
		}
		a := s.waiting.pop()
		r.busy++
		s.running.push(end{end: s.now + a.Service, replica: r})
		s.recorder.served(a.At, s.now-a.At)
	}
}

func (s *service) leastBusy() *replica {
	var best *replica
	for _, r := range s.replicas {
		if r.ready && !r.draining && r.busy < s.config.Slots && (best == nil || r.busy < best.busy) {
			best = r
		}
	}
	return best
}

func (s *service) finish() {
	r := s.running.pop().replica
	r.busy--
	if r.draining && r.busy == 0 {
		s.remove(r)
	}
	s.dispatch()
}

func (s *service) answer() {
	for _, r := range s.replicas {
		r.ready = r.ready || r.readyAt <= s.now
	}
	s.soonest = 0
	s.dispatch()
}

func (s *service) scrape() {
	ready := 0
	for _, r := range s.replicas {
		if r.ready && !r.draining {
			ready++
		}
	}
	s.scraped = Metrics{Running: len(s.running), Waiting: s.waiting.len(), Ready: ready, Arrived: s.arrived}
}

func (s *service) ask() {
	m := s.scraped
	m.Now, m.Replicas, m.InFlightSeconds = s.now, s.wanted, s.inFlight
	want := min(s.config.Max, max(s.config.Min, s.policy.Desired(m)))
	if want == s.wanted {
		return
	}
	s.recorder.changed(s.now)
	for ; s.wanted < want; s.wanted++ {
		s.replicas = append(s.replicas, &replica{id: s.made, readyAt: s.now + s.config.ColdStart})
		s.made++
	}
	for ; s.wanted > want; s.wanted-- {
		s.drain()
	}
	s.soonest = 0
}

// drain takes one replica away: one that does not answer yet, or else the newest.
func (s *service) drain() {
	var victim *replica
	for _, r := range s.replicas {
		if !r.draining && (victim == nil || !r.ready || victim.ready) {
			victim = r
		}
	}
	victim.draining = true
	if victim.busy == 0 {
		s.remove(victim)
	}
}

func (s *service) remove(gone *replica) {
	for i, r := range s.replicas {
		if r == gone {
			s.replicas = append(s.replicas[:i], s.replicas[i+1:]...)
			return
		}
	}
}

// result closes the books: who still waits has waited until now.
func (s *service) result() Result {
	for s.waiting.len() > 0 {
		a := s.waiting.pop()
		s.recorder.queued(a.At, s.now-a.At)
	}
	return s.recorder.result()
}
