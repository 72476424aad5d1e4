// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"sync"
)

// Phase says where a job is on its way.
type Phase string

// The phases, in order.
const (
	Waiting    Phase = "waiting"    // not begun
	Resolving  Phase = "resolving"  // asking the origin what there is
	Fetching   Phase = "fetching"   // bytes are on their way
	Sealing    Phase = "sealing"    // all bytes are here and being made durable
	Publishing Phase = "publishing" // making the revision visible
	Done       Phase = "done"
)

// Progress follows one job. The zero value is ready; a nil Progress takes no
// notice. Reading it is cheap and safe at any time.
type Progress struct {
	mu    sync.Mutex
	phase Phase
	total int64
	done  int64 // of files that are finished
	disk  int64 // of these, bytes that were on the disk before
	live  map[*flight]struct{}
}

// Snapshot is a job's progress at one moment, in bytes.
type Snapshot struct {
	Phase   Phase
	Total   int64 // of the manifest, 0 until it is resolved
	Done    int64 // on disk
	Cached  int64 // of Done, what was there before the job
	Fetched int64 // of Done, what this job or one it shared a flight with has brought
}

// Snapshot reads the progress.
func (p *Progress) Snapshot() Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Snapshot{Phase: p.phase, Total: p.total, Done: p.done, Cached: p.disk}
	for f := range p.live {
		s.Done += f.present.Load()
		s.Cached += f.cached.Load()
	}
	s.Fetched = s.Done - s.Cached
	switch {
	case s.Phase == "":
		s.Phase = Waiting
	case s.Phase == Fetching && s.Done == s.Total:
		s.Phase = Sealing
	}
	return s
}

func (p *Progress) enter(phase Phase) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = phase
}

// begin starts over for a manifest of total bytes.
func (p *Progress) begin(total int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase, p.total, p.done, p.disk, p.live = Fetching, total, 0, 0, map[*flight]struct{}{}
}

// follow counts what f has and gets.
func (p *Progress) follow(f *flight) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live[f] = struct{}{}
}

// settle keeps what f has brought and lets go of it.
func (p *Progress) settle(f *flight) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.live[f]; ok {
		delete(p.live, f)
		p.done += f.present.Load()
		p.disk += f.cached.Load()
	}
}
