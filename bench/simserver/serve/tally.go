// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"maps"
	"sync"
	"time"
)

// counts are what happened since the start.
type counts struct {
	requests, success  int
	prompt, tokens     int
	queued, first, all histogram
	phases             map[string]float64 // seconds
}

func (c *counts) served(w work) {
	c.success++
	c.prompt += w.prompt
	c.tokens += w.tokens
	c.queued.observe(w.queued)
	c.first.observe(w.first)
	c.all.observe(w.all)
}

// tally keeps the counts.
type tally struct {
	mu     sync.Mutex
	counts counts
}

func (t *tally) update(change func(*counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts.phases == nil {
		t.counts.phases = map[string]float64{}
	}
	change(&t.counts)
}

func (t *tally) snapshot() counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	c.phases = maps.Clone(c.phases)
	return c
}

// bounds of the buckets, in seconds. The real servers have others, each its own.
var bounds = [...]float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640}

// histogram counts durations as Prometheus does: every bucket has those of the smaller ones, too.
type histogram struct {
	buckets [len(bounds)]int
	count   int
	sum     float64
}

func (h *histogram) observe(d time.Duration) {
	for i, bound := range bounds {
		if d.Seconds() <= bound {
			h.buckets[i]++
		}
	}
	h.count++
	h.sum += d.Seconds()
}
