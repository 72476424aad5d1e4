// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"

	"github.com/hoist-dev/hoist/cachenode"
)

// Await returns when the bytes r of a blob are on disk: somebody is blocked in
// read(2) on them. The chunks that hold them go before everything else. A blob
// that is not being fetched is ErrNotFound; the end of its flight is the end of
// the wait, with the flight's error.
func (s *Scheduler) Await(ctx context.Context, store cachenode.Store, blob cachenode.BlobID, r cachenode.Range) error {
	f, err := s.flight(store, blob)
	if err != nil {
		return err
	}
	first, end := cachenode.ChunksOf(f.file.Size, r)
	s.locked(func() { //nolint:contextcheck // attempts live as long as their flight, not as who waits for it
		for i := first; i < end; i++ {
			f.chunks[i].urgent = true
		}
		s.queue.reorder()
	})
	for i := first; i < end; i++ {
		if err := f.chunks[i].wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wait returns when the chunk is on disk.
func (c *chunk) wait(ctx context.Context) error {
	s := c.flight.s
	s.mu.Lock()
	if c.state == verified {
		s.mu.Unlock()
		return nil
	}
	if c.arrived == nil {
		c.arrived = make(chan struct{})
	}
	arrived := c.arrived
	s.mu.Unlock()
	select {
	case <-arrived:
		return nil
	case <-c.flight.done:
		return c.flight.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Raise lifts a blob that is being fetched to at least priority p. ErrNotFound if
// it is not being fetched.
func (s *Scheduler) Raise(store cachenode.Store, blob cachenode.BlobID, p cachenode.Priority) error {
	f, err := s.flight(store, blob)
	if err != nil {
		return err
	}
	s.locked(func() {
		if f.raised = max(f.raised, p); f.raised > f.priority {
			s.prioritize(f)
		}
	})
	return nil
}

func (s *Scheduler) flight(store cachenode.Store, blob cachenode.BlobID) (*flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flights[blobKey{store, blob}]; f != nil {
		return f, nil
	}
	return nil, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "await", Subject: string(blob), Err: errors.New("nobody is fetching it")}
}
