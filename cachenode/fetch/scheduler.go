// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// Config says what a Scheduler may use. The zero value is a sensible node.
type Config struct {
	Buffers        int64           // bytes of memory for data in flight: the cap on memory and, in pieces of 4 MiB, on connections; 0 is 256 MiB
	MaxConnections int             // at most; 0 is as many as there are buffers
	Bandwidth      int64           // bytes per second read by the node; 0 is no cap
	StallAfter     time.Duration   // a connection without a byte for so long is cut; 0 is 10 s
	Attempts       int             // requests per chunk before giving up; 0 is 8
	Peers          cachenode.Peers // asked before the origin; nil is none
	Observer       Observer        // nil is none
	Logger         *slog.Logger    // nil is silence
}

func (c Config) withDefaults() Config {
	c.Buffers = cmp.Or(c.Buffers, 256<<20)
	c.StallAfter = cmp.Or(c.StallAfter, 10*time.Second)
	c.Attempts = cmp.Or(c.Attempts, 8)
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if _, none := c.Peers.(cachenode.NoPeers); none {
		c.Peers = nil
	}
	return c
}

// Scheduler is the one place of a node that downloads. Make it with New, end it
// with Close. Its methods are safe for concurrent use.
type Scheduler struct {
	Config
	pool    *pool
	shaper  *shaper
	retries budget
	readers chan struct{} // one place for each blob that is read back from disk

	ctx   context.Context //nolint:containedctx // the life of the scheduler, not of a call
	stop  context.CancelCauseFunc
	work  sync.WaitGroup // the pulse and the flights
	ticks *time.Ticker   // of the pulse; stopped while nothing is in flight

	received atomic.Int64 // bytes from origins and peers, since the start

	mu      sync.Mutex
	flights map[blobKey]*flight
	arrived uint64 // flights so far
	queue   queue
	running map[*attempt]struct{}
	limit   limit
	gauge   gauge
	beating bool
	latency latency
	pause   pause
}

// New starts a scheduler. A budget below one buffer is ErrInvalid.
func New(config Config) (*Scheduler, error) {
	config = config.withDefaults()
	pool, err := newPool(config.Buffers)
	if err != nil {
		return nil, err
	}
	most := pool.size
	if config.MaxConnections > 0 {
		most = min(most, config.MaxConnections)
	}
	s := &Scheduler{
		Config: config, pool: pool, shaper: newShaper(config.Bandwidth), retries: newBudget(most), limit: newLimit(most),
		readers: make(chan struct{}, 2), ticks: time.NewTicker(pulseEvery),
		flights: map[blobKey]*flight{}, running: map[*attempt]struct{}{},
	}
	s.ctx, s.stop = context.WithCancelCause(context.Background()) //nolint:forbidigo // ended by Close
	s.work.Go(s.beat)
	s.Observer.LimitChanged(s.limit.n)
	return s, nil
}

// Close stops every flight, waits for them, and gives the memory back. What was
// verified stays in the store.
func (s *Scheduler) Close() error {
	s.mu.Lock() // no flight is being launched
	s.stop(errClosed)
	s.mu.Unlock()
	s.work.Wait()
	return s.pool.close()
}

// dispatch starts attempts until the connections or the chunks run out. s.mu is held.
func (s *Scheduler) dispatch() {
	for s.queue.len() > 0 && len(s.running) < s.pause.allowed(time.Now(), s.limit.n) {
		s.start(s.queue.pop())
	}
}

// start makes one more request for c. s.mu is held.
func (s *Scheduler) start(c *chunk) {
	s.wake()
	a := newAttempt(s, c)
	s.running[a] = struct{}{}
	c.state = fetching
	c.attempts++
	c.racing++
	c.flight.attempts.Go(func() { s.settle(a, a.run()) })
}

// enqueue makes c wait for a connection, unless its flight is over. s.mu is held.
func (s *Scheduler) enqueue(c *chunk) {
	if c.flight.over() {
		return
	}
	c.state = queued
	s.queue.push(c)
}

// settle decides what an attempt's end means for its chunk and for the node.
func (s *Scheduler) settle(a *attempt, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := a.chunk
	delete(s.running, a)
	c.racing--
	s.learn(a, err)
	if err != nil && !c.complete() && !c.flight.over() {
		s.again(c, err)
	}
	s.dispatch()
}

// learn feeds what an attempt met into latencies, limit and pause. s.mu is held.
func (s *Scheduler) learn(a *attempt, err error) {
	s.gauge.requests++
	switch class := cachenode.ClassOf(err); {
	case err == nil:
		s.latency.add(a.asked, time.Since(a.began))
		s.pause.succeeded()
	case err == errLost || a.chunk.flight.over(): //nolint:errorlint // never wrapped; called off, not failed
	case class == cachenode.Throttled || class == cachenode.Retryable:
		s.Observer.Retried(cachenode.KindOf(err))
		if class == cachenode.Throttled && !s.gauge.slowed {
			s.gauge.slowed = true
			s.setLimit(s.limit.slowed())
		}
		s.holdOff(s.pause.failed(class == cachenode.Throttled, s.limit.n, retryAfter(err)))
	}
}

// again decides when an incomplete chunk is tried again, if at all. s.mu is held.
func (s *Scheduler) again(c *chunk, err error) {
	lost := err == errLost //nolint:errorlint // never wrapped
	class := cachenode.ClassOf(err)
	switch {
	case !lost && class != cachenode.Throttled && class != cachenode.Retryable:
		c.flight.fail(err)
	case c.racing > 0:
		if !lost {
			c.failure = err
		}
	case lost && c.failure == nil:
		s.enqueue(c)
	default:
		if lost {
			err = c.failure
		}
		if c.attempts >= s.Attempts {
			c.flight.fail(fmt.Errorf("fetch %s at %d: gave up after %d requests: %w", c.flight.file.Path, c.span().Off, c.attempts, err))
			return
		}
		delay := s.retries.retryDelay(c.attempts, err)
		s.Logger.Debug("chunk fetched again", "path", c.flight.file.Path, "chunk", c.index, "attempts", c.attempts, "in", delay, "err", err)
		c.state, c.failure = missing, nil
		time.AfterFunc(delay, func() { s.locked(func() { s.enqueue(c) }) })
	}
}

// holdOff keeps new attempts from starting for d. s.mu is held.
func (s *Scheduler) holdOff(d time.Duration) {
	if s.pause.extend(time.Now(), d) {
		time.AfterFunc(d, func() { s.locked(func() {}) })
	}
}

// locked changes what waits or who waits, and acts on it.
func (s *Scheduler) locked(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.dispatch()
}

func (s *Scheduler) setLimit(l limit) {
	if l.n != s.limit.n {
		s.Observer.LimitChanged(l.n)
	}
	s.limit = l
}

// Stats is what a Scheduler does at one moment.
type Stats struct {
	Queued         [cachenode.Priorities]int // chunks that wait for a connection
	Connections    int                       // in use
	Limit          int                       // on connections, now
	BytesPerSecond int64                     // over the last second or so
	BuffersInUse   int64                     // bytes
	Buffers        int64                     // bytes
}

// Stats reports what the scheduler does now.
func (s *Scheduler) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Queued: s.queue.depth(), Connections: len(s.running), Limit: s.limit.n, BytesPerSecond: s.gauge.speed,
		BuffersInUse: int64(s.pool.inUse()) * pieceSize, Buffers: int64(s.pool.size) * pieceSize,
	}
}
