// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package serving answers as an inference server does, without inference: so many requests at a time, each for so long, the rest
// in a queue, with the endpoints and metrics of vLLM, TGI or SGLang. It is simulated, and its answers say so.
package serving

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// queue admits a number of requests at a time, first come first served.
type queue struct {
	mu      sync.Mutex
	slots   int
	running int
	waiting []chan struct{} // closed when admitted
	closed  bool
	idle    chan struct{} // closed when closed and nothing runs or waits
}

func newQueue(slots int) *queue { return &queue{slots: max(slots, 1), idle: make(chan struct{})} }

var errDraining = errors.New("the server is ending")

// enter waits for a slot. Leave gives it back. Who stops waiting leaves the queue.
func (q *queue) enter(ctx context.Context) (leave func(), err error) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil, errDraining
	}
	leave = sync.OnceFunc(q.leave)
	if q.running < q.slots && len(q.waiting) == 0 {
		q.running++
		q.mu.Unlock()
		return leave, nil
	}
	admitted := make(chan struct{})
	q.waiting = append(q.waiting, admitted)
	q.mu.Unlock()
	select {
	case <-admitted:
		return leave, nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	i := slices.Index(q.waiting, admitted)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.settle()
	}
	q.mu.Unlock()
	if i < 0 { // it was admitted at the same moment
		leave()
	}
	return nil, ctx.Err()
}

func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	if len(q.waiting) > 0 {
		close(q.waiting[0])
		q.waiting = slices.Delete(q.waiting, 0, 1)
		q.running++
	}
	q.settle()
}

// settle says that a closed queue is empty. q.mu is held.
func (q *queue) settle() {
	if !q.closed || q.running > 0 || len(q.waiting) > 0 {
		return
	}
	select {
	case <-q.idle:
	default:
		close(q.idle)
	}
}

// drain lets nobody in any more and waits until the last has left.
func (q *queue) drain(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.settle()
	q.mu.Unlock()
	select {
	case <-q.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// counts are the requests that run and that wait.
func (q *queue) counts() (running, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running, len(q.waiting)
}
