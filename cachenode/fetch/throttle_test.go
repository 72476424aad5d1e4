// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// strained serves as many requests at once as it can just then, each in a second,
// and refuses the others.
type strained struct {
	start    time.Time
	capacity func(since time.Duration) int

	mu      sync.Mutex
	served  map[int]int // by minute
	refused int
}

func (s *strained) answer(q *request) error {
	since := time.Since(s.start)
	s.mu.Lock()
	if q.open > s.capacity(since) {
		s.refused++
		s.mu.Unlock()
		return slowDown
	}
	s.served[int(since.Minutes())]++
	s.mu.Unlock()
	return wait(q.ctx, time.Second)
}

// C1: an origin with a capacity gets that much and little more: over ten minutes at
// most one request in ten is refused, and the connections return with the capacity.
func TestFill_RespectsTheOriginsCapacity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const plenty, few = 40, 6 // requests at once
		o := &strained{start: time.Now(), served: map[int]int{}, capacity: func(since time.Duration) int {
			if since > 2*time.Minute && since < 6*time.Minute {
				return few
			}
			return plenty
		}}
		src, store, seen := &origin{script: o.answer}, newDisk(), newCounter()
		s := scheduler(t, fetch.Config{Buffers: 256 * mib, Observer: seen})
		total := 0
		for number := uint64(0); time.Since(o.start) < 10*time.Minute; number++ {
			var files []cachenode.File
			for i := range 500 {
				files = append(files, file(fmt.Sprintf("%d-%03d", number, i), 8, number<<16|uint64(i)))
			}
			if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: manifest(files...)}); err != nil {
				t.Fatal(err)
			}
			total += len(files)
		}
		t.Logf("served %d, refused %d, by minute %v, lowest limit %d", total, o.refused, o.served, seen.lowest())
		if o.refused == 0 || seen.lowest() > 16 {
			t.Error("the origin was never short: the test shows nothing")
		}
		if o.refused > total/10 {
			t.Errorf("%d of %d requests were refused, want at most a tenth", o.refused, total)
		}
		for minute, capacity := range map[int]int{1: plenty, 3: few, 8: plenty} {
			if got := o.served[minute]; got < 60*capacity/2 {
				t.Errorf("%d requests in minute %d, want at least half of what the origin can", got, minute)
			}
		}
	})
}

// C1: an origin that refuses one request in five at random for ten minutes still
// delivers everything, with at most eight requests a chunk.
func TestFill_ArrivesThroughRandomRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		luck := rand.New(rand.NewPCG(1, 2))
		src := &origin{}
		worst := 0
		src.script = func(q *request) error {
			src.mu.Lock()
			refuse := luck.IntN(5) == 0
			worst = max(worst, q.nth)
			src.mu.Unlock()
			if refuse {
				return slowDown
			}
			return wait(q.ctx, time.Second)
		}
		store := newDisk()
		s := scheduler(t, fetch.Config{Buffers: 256 * mib})
		start := time.Now()
		var files []cachenode.File
		for i := range 1000 {
			files = append(files, file(fmt.Sprintf("%04d", i), 8, uint64(i)))
		}
		m := manifest(files...)
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
			t.Fatal(err)
		}
		store.check(t)
		store.holds(t, m)
		t.Logf("%d requests for %d files in %v, at most %d for one", src.calls(), len(files), time.Since(start), worst)
		if worst > 8 {
			t.Errorf("%d requests for one chunk, want at most 8", worst)
		}
		if src.calls() > len(files)*3/2 {
			t.Errorf("%d requests, want about %d", src.calls(), len(files)*5/4)
		}
	})
}

// C1: Retry-After is honored by the whole node.
func TestFill_HonoursRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		src := &origin{script: func(q *request) error {
			if q.order == 0 {
				return &cachenode.Error{Kind: cachenode.ErrThrottled, Op: "get", After: 30 * time.Second}
			}
			if since := time.Since(start); since < 30*time.Second {
				t.Errorf("request %d after %v, want none for 30 s", q.order, since)
			}
			return nil
		}}
		s := scheduler(t, fetch.Config{Buffers: 4 * mib})
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: newDisk(), Manifest: manifest(file("a", 64*mib, 1))}); err != nil {
			t.Fatal(err)
		}
	})
}

// C5: an outage costs a few requests a second, not one for every chunk that waits,
// and ends with the reason.
func TestFill_OutageCausesNoStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &origin{script: func(*request) error { return unavailable }}
		s := scheduler(t, fetch.Config{Buffers: 64 * mib})
		var files []cachenode.File
		for i := range 2000 {
			files = append(files, file(fmt.Sprintf("%04d", i), 8, uint64(i)))
		}
		start := time.Now()
		err := s.Fill(t.Context(), fetch.Job{Source: src, Store: newDisk(), Manifest: manifest(files...)})
		took := time.Since(start)
		t.Logf("%d requests in %v", src.calls(), took)
		if !errors.Is(err, cachenode.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
		if src.calls() > 400 {
			t.Errorf("%d requests in %v", src.calls(), took)
		}
	})
}
