// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// A1: what is published is what the manifest says, for all shapes of files.
func TestFill_PublishesEveryFileWhole(t *testing.T) {
	t.Parallel()
	m := manifest(
		file("a/empty", 0, 1), file("b/one", 1, 2), file("c/page", 4096, 3), file("d/odd", 4*mib+1, 4), file("e/chunk", 16*mib, 5),
		file("f/chunk+1", 16*mib+1, 6), file("g/large", 75*mib+123, 7))
	src, store := &origin{}, newDisk()
	s := scheduler(t, fetch.Config{Buffers: 32 * mib})
	progress := new(fetch.Progress)
	if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m, Progress: progress}); err != nil {
		t.Fatal(err)
	}
	store.check(t)
	store.holds(t, m)
	want := fetch.Snapshot{Phase: fetch.Done, Total: m.Bytes(), Done: m.Bytes(), Fetched: m.Bytes()}
	if got := progress.Snapshot(); got != want {
		t.Errorf("progress %+v, want %+v", got, want)
	}
	if src.received() != m.Bytes() || src.calls() != 11 {
		t.Errorf("%d bytes in %d requests, want %d in 11", src.received(), src.calls(), m.Bytes())
	}

	// Again: everything is there already.
	if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m, Progress: progress}); err != nil {
		t.Fatal(err)
	}
	want.Cached, want.Fetched = m.Bytes(), 0
	if got := progress.Snapshot(); got != want || src.calls() != 11 {
		t.Errorf("progress %+v after %d requests, want %+v after 11", got, src.calls(), want)
	}
}

// While one file is being made durable the next ones are downloaded.
func TestFill_SealsBesideTheDownload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store, progress := manifest(file("a", mib, 1), file("b", 40*mib, 2)), newDisk(), new(fetch.Progress)
		last := make(chan struct{})
		src := &origin{script: func(q *request) error {
			if q.String() == "b#2" {
				close(last)
			}
			return nil
		}}
		store.seal = func(_ context.Context, f cachenode.File) error {
			switch f.Path {
			case "a":
				<-last // a deadlock, if b waited for a
			case "b":
				if got := progress.Snapshot(); got.Phase != fetch.Sealing || got.Done != got.Total {
					t.Errorf("progress %+v while the last file is sealed", got)
				}
			}
			return nil
		}
		s := scheduler(t, fetch.Config{Buffers: 4 * mib})
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m, Progress: progress}); err != nil {
			t.Fatal(err)
		}
		store.holds(t, m)
	})
}

// Small files are fetched side by side, and more so while that pays.
func TestFill_FetchesSmallFilesConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var files []cachenode.File
		for i := range 1000 {
			files = append(files, file(fmt.Sprint(i), 8, uint64(i)))
		}
		m, store := manifest(files...), newDisk()
		src := &origin{script: func(q *request) error { return wait(q.ctx, time.Second) }}
		s := scheduler(t, fetch.Config{})
		start := time.Now()
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
			t.Fatal(err)
		}
		store.holds(t, m)
		if took := time.Since(start); took > 45*time.Second || src.peak != 64 {
			t.Errorf("1000 requests of 1 s took %v with up to %d at once, want less than 45 s and 64", took, src.peak)
		}
	})
}

// Neither a nil Progress nor one that was never used is a mistake.
func TestProgress_ZeroValueWaits(t *testing.T) {
	t.Parallel()
	if got := new(fetch.Progress).Snapshot(); got != (fetch.Snapshot{Phase: fetch.Waiting}) {
		t.Errorf("%+v, want nothing but the phase", got)
	}
}
