// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"slices"
	"sync"
)

var (
	errDraining = errors.New("the simulated server ends: ask another one")
	errFull     = errors.New("the queue of the simulated server is full: ask again later")
)

// queue lets so many requests run at once, first come first served. Nobody waits while a slot is free.
type queue struct {
	slots, limit int

	mu      sync.Mutex
	running int
	waiting []turn
	closed  bool
	idle    chan struct{} // closed when the queue is and the last has left
}

// turn is a place in the queue, closed when it has become a slot.
type turn chan struct{}

func newQueue(slots, limit int) *queue {
	return &queue{slots: slots, limit: limit, idle: make(chan struct{})}
}

// enter waits for a slot, which leave gives back. Whose context ends leaves the queue.
func (q *queue) enter(ctx context.Context) (turn, error) {
	t, err := q.join()
	if err != nil {
		return nil, err
	}
	select {
	case <-t:
		return t, nil
	case <-ctx.Done():
		q.leave(t)
		return nil, context.Cause(ctx)
	}
}

func (q *queue) join() (turn, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := make(turn)
	switch {
	case q.closed:
		return nil, errDraining
	case q.running < q.slots:
		q.running++
		close(t)
	case q.limit > 0 && len(q.waiting) >= q.limit:
		return nil, errFull
	default:
		q.waiting = append(q.waiting, t)
	}
	return t, nil
}

// leave gives up the place of t, or hands its slot to who waits longest.
func (q *queue) leave(t turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if place := slices.Index(q.waiting, t); place >= 0 {
		q.waiting = slices.Delete(q.waiting, place, place+1)
		return
	}
	if len(q.waiting) > 0 {
		close(q.waiting[0])
		q.waiting = slices.Delete(q.waiting, 0, 1)
		return
	}
	q.running--
	if q.closed && q.running == 0 {
		close(q.idle)
	}
}

// close lets nobody in any more. What it returns is closed when all have left, those who wait too.
func (q *queue) close() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed && q.running == 0 {
		close(q.idle)
	}
	q.closed = true
	return q.idle
}

func (q *queue) counts() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, len(q.waiting)
}
