// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package sim replays arrivals against an inference service that is scaled by a policy, and says how long requests waited and what it
// cost. It is a simulation: nothing is measured on a cluster.
//
// The model: one FIFO queue in front of all replicas; a replica serves Slots requests at once and the least busy one gets the
// next; a request holds its slot for its service time. A new replica answers after ColdStart. One that is scaled away takes no new
// request, finishes those that it has, and costs until then; the newest go first, those that don't answer yet before all. Metrics
// are scraped every 15 s, or as often as is said, and the autoscaler sees the last scrape. No retries, no batching effects, no failures. The same input
// gives the same result.
package sim

import (
	"cmp"
	"time"
)

// ScrapeEvery is how old a metric may be, if nothing else is said.
const ScrapeEvery = 15 * time.Second

// Config is a service.
type Config struct {
	Slots     int           // requests that a replica runs at once
	ColdStart time.Duration // from a replica is wanted to it answers
	Start     int           // replicas that answer at the begin
	Min, Max  int
	From      time.Duration // results count from here; before is history
	Until     time.Duration // the end
	Scrape    time.Duration // how often metrics are scraped; ScrapeEvery if 0
}

// Arrival is a request as the service sees it.
type Arrival struct {
	At      time.Duration
	Service time.Duration // how long it holds a slot
}

// Metrics is what a policy may see: the last scrape, and what is told as it happens.
type Metrics struct {
	Now      time.Duration
	Running  int // requests in a slot
	Waiting  int // requests in the queue
	Ready    int // replicas that answer
	Replicas int // replicas wanted, those that start among them

	Arrived         int     // requests so far
	InFlightSeconds float64 // integral of Running+Waiting so far, up to date
}

// Policy decides how many replicas there shall be. It is asked every Every, half a scrape after a scrape, if Every is that of scrapes.
type Policy interface {
	Every() time.Duration
	Desired(m Metrics) int
}

// Run replays arrivals, which are in order of time.
func Run(c Config, arrivals []Arrival, policy Policy) Result {
	s := &service{config: c, policy: policy}
	for range c.Start {
		s.replicas = append(s.replicas, &replica{ready: true, id: s.made})
		s.made++
	}
	s.wanted = c.Start
	s.recorder.from = c.From
	scrape := cmp.Or(c.Scrape, ScrapeEvery)
	nextScrape, nextAsk := time.Duration(0), scrape/2
	for i := 0; ; {
		at := min(nextScrape, nextAsk, s.nextReady())
		if i < len(arrivals) {
			at = min(at, arrivals[i].At)
		}
		if len(s.running) > 0 {
			at = min(at, s.running[0].end)
		}
		if at >= c.Until {
			break
		}
		s.advance(at)
		switch {
		case len(s.running) > 0 && s.running[0].end == at:
			s.finish()
		case s.nextReady() == at:
			s.answer()
		case i < len(arrivals) && arrivals[i].At == at:
			s.arrive(arrivals[i])
			i++
		case nextScrape == at:
			s.scrape()
			nextScrape += scrape
		default:
			s.ask()
			nextAsk += policy.Every()
		}
	}
	s.advance(c.Until)
	return s.result()
}
