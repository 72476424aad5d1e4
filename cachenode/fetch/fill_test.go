// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"testing"

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
	_ = cachenode.ErrSealed
}
