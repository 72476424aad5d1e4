// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"

	"github.com/hoist-dev/hoist/cachenode"
)

// seat is one job's interest in a flight. The flight lives as long as a seat is taken.
type seat struct {
	flight   *flight
	priority cachenode.Priority
}

// join takes a seat in the flight of file, and starts the flight if there is none.
// One that is about to end is let go first: a blob has one Ingest at a time.
func (s *Scheduler) join(ctx context.Context, job Job, file cachenode.File, claim *claim) (*seat, error) {
	key := blobKey{job.Store, job.Manifest.Blob(file)}
	for {
		s.mu.Lock()
		f := s.flights[key]
		if f == nil && s.ctx.Err() == nil {
			f = s.launch(key, job, file, claim)
		}
		if f != nil && !f.over() {
			seat := &seat{f, job.Priority}
			f.seats[seat] = struct{}{}
			s.prioritize(f)
			s.mu.Unlock()
			return seat, nil
		}
		s.mu.Unlock()
		switch {
		case f == nil:
			return nil, errClosed
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// launch starts a flight. s.mu is held.
func (s *Scheduler) launch(key blobKey, job Job, file cachenode.File, claim *claim) *flight {
	s.arrived++
	f := &flight{
		s: s, key: key, source: job.Source, origin: job.Manifest.Origin, file: file, inspector: job.Inspector, claim: claim,
		arrival: s.arrived, done: make(chan struct{}), chunks: make([]chunk, cachenode.Chunks(file.Size)), seats: map[*seat]struct{}{},
	}
	for i := range f.chunks {
		f.chunks[i].flight, f.chunks[i].index = f, i
	}
	f.ctx, f.fail = context.WithCancelCause(s.ctx)
	s.flights[key] = f
	claim.retain()
	s.work.Go(f.run)
	return f
}

// wait returns how the flight ended, or when ctx does, and gives the seat back.
// Whoever leaves last stops the flight and waits for that.
func (t *seat) wait(ctx context.Context) error {
	f := t.flight
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
	}
	s := f.s
	s.mu.Lock()
	delete(f.seats, t)
	last := len(f.seats) == 0
	if last {
		f.fail(context.Canceled)
	} else {
		s.prioritize(f)
	}
	s.mu.Unlock()
	if last {
		<-f.done
	}
	return context.Cause(ctx)
}

// prioritize gives f the highest priority that somebody wants. s.mu is held.
func (s *Scheduler) prioritize(f *flight) {
	highest := f.raised
	for t := range f.seats {
		highest = max(highest, t.priority)
	}
	if highest != f.priority {
		f.priority = highest
		s.queue.reorder()
	}
}
