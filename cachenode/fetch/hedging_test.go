// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// The tail: a chunk on a bad connection is fetched a second time once connections
// have nothing else to do, and the faster one wins.
func TestFill_HedgesTheTail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store, seen := manifest(file("a", 640*mib, 1)), newDisk(), newCounter()
		src := &origin{script: func(q *request) error {
			speed := 80 * mib
			if q.chunk() == 5 && q.nth == 1 {
				speed = mib
			}
			q.body = &slow{q.ctx, q.body, speed}
			return nil
		}}
		s := scheduler(t, fetch.Config{Buffers: 64 * mib, Observer: seen})
		start := time.Now()
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
			t.Fatal(err)
		}
		store.check(t)
		store.holds(t, m)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v, want little more than 600 ms: the slow connection alone takes 16 s", took)
		}
		if seen.hedged != 1 || src.calls() != 41 {
			t.Errorf("%d hedges, %d requests; want 1 and 41", seen.hedged, src.calls())
		}
	})
}

// A hedge begins behind what is there, and no region is written twice, whichever
// attempt wins (the store of these tests fails a second write).
func TestFill_HedgeTakesOverInMidChunk(t *testing.T) {
	t.Parallel()
	for _, winner := range []string{"hedge", "first"} {
		synctest.Test(t, func(t *testing.T) {
			m, store := manifest(file("a", 160*mib, 1)), newDisk()
			src := &origin{script: func(q *request) error {
				fast := &slow{q.ctx, q.body, 80 * mib}
				switch {
				case q.chunk() != 9:
					q.body = fast
				case q.nth == 1 && winner == "hedge": // two pieces, then next to nothing
					q.body = io.MultiReader(io.LimitReader(fast, 9*mib), &slow{q.ctx, q.body, kib})
				case q.nth == 1: // a pause, then fast
					pause := &slow{q.ctx, io.LimitReader(q.body, 8), 8}
					q.body = io.MultiReader(io.LimitReader(fast, 9*mib), pause, fast)
				case winner == "first":
					q.body = &slow{q.ctx, q.body, mib}
				default:
					q.body = fast
				}
				return nil
			}}
			s := scheduler(t, fetch.Config{Buffers: 64 * mib})
			start := time.Now()
			if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
				t.Fatal(err)
			}
			store.check(t)
			store.holds(t, m)
			last := src.requests[len(src.requests)-1]
			if want := (cachenode.Range{Off: 152 * mib, Len: 8 * mib}); last.at != want || last.nth != 2 {
				t.Errorf("%s: last request for %v, want a hedge for %v", winner, last.at, want)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%s: took %v", winner, took)
			}
		})
	}
}

// Whoever has read a piece that the other has claimed leaves it alone.
func TestFill_LoserOfARaceWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("a", 160*mib, 1)), newDisk()
		src := &origin{script: func(q *request) error {
			fast := &slow{q.ctx, q.body, 80 * mib}
			switch {
			case q.chunk() == 9 && q.nth == 1: // rests for a second in its third piece
				q.body = io.MultiReader(io.LimitReader(fast, 9*mib), &slow{q.ctx, io.LimitReader(q.body, 8), 8}, fast)
			case q.chunk() == 9: // reads that piece meanwhile, and is slow with the next
				q.body = io.MultiReader(io.LimitReader(fast, 4*mib), &slow{q.ctx, q.body, 2 * mib})
			default:
				q.body = fast
			}
			return nil
		}}
		s := scheduler(t, fetch.Config{Buffers: 64 * mib})
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
			t.Fatal(err)
		}
		store.check(t)
		store.holds(t, m)
	})
}

// A hedge that fails takes nothing from the attempt it was to overtake.
func TestFill_FailedHedgeHarmsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store, seen := manifest(file("a", 320*mib, 1)), newDisk(), newCounter()
		src := &origin{script: func(q *request) error {
			speed := 80 * mib
			switch {
			case q.nth > 1:
				return unavailable
			case q.chunk() == 5:
				speed = mib
			}
			q.body = &slow{q.ctx, q.body, speed}
			return nil
		}}
		s := scheduler(t, fetch.Config{Buffers: 64 * mib, Observer: seen})
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
			t.Fatal(err)
		}
		store.check(t)
		store.holds(t, m)
		if seen.hedged == 0 || src.calls() > 20+7 {
			t.Errorf("%d hedges, %d requests; want at least 1 and at most 27", seen.hedged, src.calls())
		}
	})
}

// A chunk whose last bytes are on their way to the disk needs no second request,
// however slow the disk is.
func TestFill_HedgesNoSlowDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store, seen := manifest(file("a", 320*mib, 1)), newDisk(), newCounter()
		store.write = func(_ cachenode.File, off int64, _ cachenode.Placement) error {
			if off == 92*mib {
				return wait(t.Context(), time.Minute)
			}
			return nil
		}
		src := &origin{script: func(q *request) error { q.body = &slow{q.ctx, q.body, 80 * mib}; return nil }}
		s := scheduler(t, fetch.Config{Buffers: 64 * mib, Observer: seen})
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
			t.Fatal(err)
		}
		store.check(t)
		store.holds(t, m)
		if src.calls() != 20 || seen.hedged != 0 {
			t.Errorf("%d requests, %d hedges; want 20 and 0", src.calls(), seen.hedged)
		}
	})
}

// An attempt that finds every piece claimed when its peer fails it asks the origin
// for nothing.
func TestFill_LateAttemptAsksForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("a", 320*mib, 1)), newDisk()
		var asked atomic.Int32
		store.write = func(_ cachenode.File, off int64, _ cachenode.Placement) error {
			if off == 92*mib {
				return wait(t.Context(), time.Minute)
			}
			return nil
		}
		src := &origin{}
		s := scheduler(t, fetch.Config{Buffers: 64 * mib, Peers: peers(
			func(ctx context.Context, _ cachenode.BlobID, r cachenode.Range) (io.ReadCloser, error) {
				var body io.Reader = &slow{ctx, &generator{seed: 1, off: r.Off, end: r.End()}, 80 * mib}
				if r.Off/cachenode.ChunkSize == 5 {
					if asked.Add(1) > 1 { // the hedge: too late when it fails
						return nil, errors.Join(wait(ctx, 9*time.Second), cachenode.ErrNotFound)
					}
					body = io.MultiReader(&slow{ctx, io.LimitReader(&generator{seed: 1, off: r.Off, end: r.End()}, 4), 1},
						&generator{seed: 1, off: r.Off + 4, end: r.End()})
				}
				return io.NopCloser(body), nil
			})})
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
			t.Fatal(err)
		}
		store.check(t)
		store.holds(t, m)
		if asked.Load() != 2 || src.calls() != 0 {
			t.Errorf("%d requests to peers for the slow chunk, %d to the origin; want 2 and 0", asked.Load(), src.calls())
		}
	})
}
