// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// C6: a hundred jobs for one model download it once.
func TestFill_ManyJobsDownloadOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("a", 20*mib, 1), file("b", 3*mib, 2), file("c", 0, 3)), newDisk()
		src := &origin{script: func(q *request) error { q.body = &slow{q.ctx, q.body, 10 * mib}; return nil }}
		s := scheduler(t, fetch.Config{Buffers: 16 * mib})
		var jobs sync.WaitGroup
		for i := range 100 {
			jobs.Go(func() {
				if wait(t.Context(), time.Duration(i)*time.Millisecond) != nil {
					return
				}
				if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
					t.Error(err)
				}
			})
		}
		jobs.Wait()
		store.check(t)
		store.holds(t, m)
		if src.received() != m.Bytes() {
			t.Errorf("%d bytes downloaded, want %d", src.received(), m.Bytes())
		}
	})
}

// C6: whoever cancels hurts nobody else; the last one stops the download.
func TestFill_LastToCancelStopsTheFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("a", 64*mib, 1)), newDisk()
		src := &origin{script: func(q *request) error { q.body = &slow{q.ctx, q.body, mib}; return nil }}
		s := scheduler(t, fetch.Config{Buffers: 16 * mib})
		var ends []context.CancelFunc
		failed := make(chan error, 3)
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			ends = append(ends, cancel)
			go func() { failed <- s.Fill(ctx, fetch.Job{Source: src, Store: store, Manifest: m}) }()
			synctest.Wait()
		}
		start := time.Now()
		for i, cancel := range ends {
			if s.Stats().Connections != 4 {
				t.Fatalf("%d connections before cancel %d, want 4", s.Stats().Connections, i)
			}
			cancel()
			if err := <-failed; !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
			synctest.Wait()
		}
		if n, took := s.Stats().Connections, time.Since(start); n != 0 || took != 0 {
			t.Errorf("%d connections %v after the first cancel, want 0 at once", n, took)
		}
		store.check(t)
	})
}

// C6: two models that share a file share its download, and the Filling it began
// with stays open although its job has gone.
func TestFill_SharedFileOutlivesItsJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := file("shared", 8*mib, 1)
		one, two := manifest(shared, file("x", mib, 2)), manifest(shared, file("y", mib, 3))
		store := newDisk()
		src := &origin{script: func(q *request) error { q.body = &slow{q.ctx, q.body, mib}; return nil }}
		s := scheduler(t, fetch.Config{Buffers: 16 * mib})
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- s.Fill(ctx, fetch.Job{Source: src, Store: store, Manifest: one}) }()
		synctest.Wait()
		go func() { second <- s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: two}) }()
		synctest.Wait()
		time.Sleep(3 * time.Second) //nolint:forbidigo // fake time
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("first job: %v, want context.Canceled", err)
		}
		if err := <-second; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		store.check(t)
		store.holds(t, two)
		if got := src.received(); got != 10*mib {
			t.Errorf("%d bytes downloaded, want 10 MiB", got)
		}
	})
}

// A job that comes while the flight it needs is being stopped gets a flight of its own.
func TestFill_JoinsNoFlightThatIsStopping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("a", 8*mib, 1)), newDisk()
		release := make(chan struct{})
		store.write = func(cachenode.File, int64, cachenode.Placement) error { <-release; return nil }
		src := &origin{}
		s := scheduler(t, fetch.Config{Buffers: 16 * mib})
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- s.Fill(ctx, fetch.Job{Source: src, Store: store, Manifest: m}) }()
		synctest.Wait()
		cancel()
		synctest.Wait() // the first waits for its write
		go func() { second <- s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}) }()
		synctest.Wait()
		close(release)
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("first job: %v, want context.Canceled", err)
		}
		if err := <-second; err != nil {
			t.Errorf("second job: %v", err)
		}
		store.check(t)
		store.holds(t, m)
	})
}

// Chunks are fetched by priority, then in the order of jobs, files and offsets.
func TestFill_OrdersChunks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newDisk()
		src := &origin{script: func(q *request) error { return wait(q.ctx, time.Second) }}
		s := scheduler(t, fetch.Config{Buffers: 4 * mib})
		var jobs sync.WaitGroup
		for _, job := range []fetch.Job{
			{Manifest: manifest(file("a", 48*mib, 1)), Priority: cachenode.Bulk},
			{Manifest: manifest(file("b", 20*mib, 2), file("c", mib, 3)), Priority: cachenode.Forecast},
			{Manifest: manifest(file("d", 20*mib, 4)), Priority: cachenode.StartingPod},
			{Manifest: manifest(file("e", mib, 5)), Priority: cachenode.Forecast},
		} {
			job.Source, job.Store = src, store
			jobs.Go(func() {
				if err := s.Fill(t.Context(), job); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if got, want := s.Stats().Queued, [cachenode.Priorities]int{2, 4, 2, 0}; got != want {
			t.Errorf("queued %v, want %v", got, want)
		}
		jobs.Wait()
		want := []string{"a#0", "d#0", "d#1", "b#0", "b#1", "c#0", "e#0", "a#1", "a#2"}
		if got := src.log(); !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
	})
}

// A job with a higher priority lifts the flight it joins, and its leaving lowers it.
func TestFill_PriorityFollowsWhoWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("a", 64*mib, 1)), newDisk()
		src := &origin{script: func(q *request) error { q.body = &slow{q.ctx, q.body, mib}; return nil }}
		s := scheduler(t, fetch.Config{Buffers: 4 * mib})
		fill := func(p cachenode.Priority) (end func()) {
			ctx, cancel := context.WithCancel(t.Context())
			var job sync.WaitGroup
			job.Go(func() { _ = s.Fill(ctx, fetch.Job{Source: src, Store: store, Manifest: m, Priority: p}) })
			synctest.Wait()
			return func() { cancel(); job.Wait() }
		}
		depth := func(p cachenode.Priority) {
			t.Helper()
			if got := s.Stats().Queued[p]; got != 3 {
				t.Errorf("%d chunks at %v, want 3: %v", got, p, s.Stats().Queued)
			}
		}
		bulk := fill(cachenode.Bulk)
		depth(cachenode.Bulk)
		pod := fill(cachenode.StartingPod)
		depth(cachenode.StartingPod)
		forecast := fill(cachenode.Forecast)
		depth(cachenode.StartingPod)
		pod()
		depth(cachenode.Forecast)
		if err := s.Raise(store, m.Blob(m.Files[0]), cachenode.StartingPod); err != nil {
			t.Error(err)
		}
		depth(cachenode.StartingPod)
		forecast()
		bulk()
		store.check(t)
	})
}

// Bytes that a pod waits for go through the page cache, others do not.
func TestFill_PlacementFollowsPriority(t *testing.T) {
	t.Parallel()
	for priority, want := range map[cachenode.Priority]cachenode.Placement{
		cachenode.Bulk: cachenode.Direct, cachenode.Forecast: cachenode.Direct,
		cachenode.StartingPod: cachenode.Cached, cachenode.WaitingRead: cachenode.Cached,
	} {
		store := newDisk()
		store.write = func(_ cachenode.File, off int64, how cachenode.Placement) error {
			if how != want {
				t.Errorf("%v: placement %v at %d, want %v", priority, how, off, want)
			}
			return nil
		}
		s := scheduler(t, fetch.Config{Buffers: 8 * mib})
		if err := s.Fill(t.Context(), fetch.Job{Source: &origin{}, Store: store, Manifest: manifest(file("a", 20*mib, 1)), Priority: priority}); err != nil {
			t.Error(err)
		}
	}
}

// A waiting read gets its chunks before everything else, and returns when they are there.
func TestAwait_JumpsTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("a", 160*mib, 1)), newDisk()
		src := &origin{script: func(q *request) error { return wait(q.ctx, time.Second) }}
		s := scheduler(t, fetch.Config{Buffers: 4 * mib})
		blob := m.Blob(m.Files[0])
		if err := s.Await(t.Context(), store, blob, cachenode.Range{Len: 1}); !errors.Is(err, cachenode.ErrNotFound) {
			t.Errorf("nobody fetches it: %v, want ErrNotFound", err)
		}
		filled := make(chan error, 1)
		go func() {
			filled <- s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m, Priority: cachenode.StartingPod})
		}()
		synctest.Wait()
		start := time.Now()
		if err := s.Await(t.Context(), store, blob, cachenode.Range{Off: 112*mib - 1, Len: 2}); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("waited %v, want 3 s: one chunk in flight and two of its own", took)
		}
		if err := s.Await(t.Context(), store, blob, cachenode.Range{Off: 100 * mib, Len: mib}); err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("a chunk that is there: %v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if got, want := src.log()[:4], []string{"a#0", "a#6", "a#7", "a#1"}; !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s.Await(impatient, store, blob, cachenode.Range{Off: 159 * mib, Len: mib}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("impatient reader: %v, want DeadlineExceeded", err)
		}
		if err := <-filled; err != nil {
			t.Error(err)
		}
		store.check(t)
	})
}

// The flight's failure is the waiting read's.
func TestAwait_EndsWithTheFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("a", 32*mib, 1)), newDisk()
		src := &origin{script: func(q *request) error {
			q.body = io.MultiReader(io.LimitReader(&slow{q.ctx, q.body, mib}, 10*mib), denied{})
			return nil
		}}
		s := scheduler(t, fetch.Config{Buffers: 4 * mib})
		filled := make(chan error, 1)
		go func() { filled <- s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}) }()
		synctest.Wait()
		if err := s.Await(t.Context(), store, m.Blob(m.Files[0]), cachenode.Range{Off: 20 * mib, Len: 1}); !errors.Is(err, cachenode.ErrDenied) {
			t.Errorf("error %v, want ErrDenied", err)
		}
		if err := <-filled; !errors.Is(err, cachenode.ErrDenied) {
			t.Errorf("error %v, want ErrDenied", err)
		}
	})
}

type denied struct{}

func (denied) Read([]byte) (int, error) { return 0, cachenode.ErrDenied }
