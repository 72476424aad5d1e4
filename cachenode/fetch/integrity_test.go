// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// A3: one flipped bit is found and the file is fetched once more.
func TestFill_FetchesCorruptBytesOnceMore(t *testing.T) {
	t.Parallel()
	m, store := manifest(file("good", 20*mib, 1), file("bad", 40*mib, 2)), newDisk()
	src := &origin{script: func(q *request) error {
		if q.file.Path == "bad" && q.chunk() == 1 && q.nth == 1 {
			q.body = &flipped{q.body, 5*mib + 7}
		}
		return nil
	}}
	s := scheduler(t, fetch.Config{Buffers: 16 * mib})
	progress := new(fetch.Progress)
	if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m, Progress: progress}); err != nil {
		t.Fatal(err)
	}
	store.check(t)
	store.holds(t, m)
	if got := src.received(); got != 100*mib {
		t.Errorf("%d bytes downloaded, want 60 MiB and 40 MiB again", got)
	}
	if got := progress.Snapshot().Done; got != 60*mib {
		t.Errorf("%d bytes done, want 60 MiB", got)
	}
}

// A3: bytes that stay wrong are ErrCorrupt, never sealed, and nothing of them stays.
func TestFill_NeverSealsCorruptBytes(t *testing.T) {
	t.Parallel()
	m, store := manifest(file("bad", 40*mib, 2)), newDisk()
	src := &origin{script: func(q *request) error {
		if q.chunk() == 1 {
			q.body = &flipped{q.body, 5*mib + 7}
		}
		return nil
	}}
	s := scheduler(t, fetch.Config{Buffers: 16 * mib})
	err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m})
	if !errors.Is(err, cachenode.ErrCorrupt) || !strings.Contains(err.Error(), "m/bad") {
		t.Errorf("error %v, want ErrCorrupt that names the object", err)
	}
	store.check(t)
	if store.verifiedBytes() != 0 || len(store.published) != 0 || src.calls() != 6 {
		t.Errorf("%d bytes kept, %d published, %d requests; want 0, 0, 6", store.verifiedBytes(), len(store.published), src.calls())
	}
}

// A4: where the disk lost what an earlier attempt verified, that chunk alone is
// fetched again.
func TestFill_RepairsOnlyWhatTheDiskLost(t *testing.T) {
	t.Parallel()
	m, store := manifest(file("a", 60*mib, 2)), newDisk()
	src := &origin{script: func(q *request) error {
		if q.chunk() == 3 && q.nth == 1 {
			return cachenode.ErrDenied
		}
		return nil
	}}
	s := scheduler(t, fetch.Config{Buffers: 4 * mib})
	if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); !errors.Is(err, cachenode.ErrDenied) {
		t.Fatal(err)
	}
	store.rot(m.Blob(m.Files[0]), 21*mib)
	if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
		t.Fatal(err)
	}
	store.check(t)
	store.holds(t, m)
	if got, want := src.log(), []string{"a#0", "a#1", "a#2", "a#3", "a#3", "a#1"}; !slices.Equal(got, want) {
		t.Errorf("requests %v, want %v", got, want)
	}
}

// A5: an object that changes under the download makes Ensure resolve anew; files
// that stayed are not fetched again.
func TestEnsure_StartsOverWhenTheOriginChanged(t *testing.T) {
	t.Parallel()
	var changes atomic.Int64
	sealed := make(chan struct{}) // a is, before z changes
	current := func() cachenode.Manifest {
		return manifest(file("a", 8*mib, 1), file("z", 40*mib, 100+uint64(changes.Load())))
	}
	src := &origin{resolve: func() (cachenode.Manifest, error) { return current(), nil }}
	src.script = func(q *request) error {
		if q.file.Path == "z" && q.chunk() == 1 && changes.Load() < 3 {
			<-sealed
			changes.Add(1)
			return &cachenode.Error{Kind: cachenode.ErrChanged, Op: "get", Subject: "z"}
		}
		return nil
	}
	store := newDisk()
	store.seal = func(_ context.Context, f cachenode.File) error {
		if f.Path == "a" {
			close(sealed)
		}
		return nil
	}
	s := scheduler(t, fetch.Config{Buffers: 8 * mib})
	m, err := s.Ensure(t.Context(), fetch.Request{Source: src, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	store.check(t)
	store.holds(t, m)
	if m.Revision() != current().Revision() {
		t.Error("the revision is not the last one")
	}
	if src.tries["a#0"] != 1 {
		t.Errorf("a was fetched again: %v", src.log())
	}
}

// A5: an origin that never holds still is ErrChanged after three restarts.
func TestEnsure_GivesUpAfterThreeRestarts(t *testing.T) {
	t.Parallel()
	resolved := 0
	src := &origin{script: func(*request) error { return cachenode.ErrChanged }}
	src.resolve = func() (cachenode.Manifest, error) {
		resolved++
		return manifest(file("z", mib, uint64(resolved))), nil
	}
	s := scheduler(t, fetch.Config{Buffers: 4 * mib})
	if _, err := s.Ensure(t.Context(), fetch.Request{Source: src, Store: newDisk()}); !errors.Is(err, cachenode.ErrChanged) {
		t.Errorf("error %v, want ErrChanged", err)
	}
	if resolved != 4 {
		t.Errorf("resolved %d times, want 4", resolved)
	}
}

// Sources retry their small requests themselves: a second loop around them would make
// a person wait a minute to hear that nobody is there.
func TestEnsure_LeavesRetriesOfResolveToTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, failure := range []error{cachenode.ErrUnavailable, cachenode.ErrThrottled, cachenode.ErrNotFound} {
			resolved := 0
			src := &origin{resolve: func() (cachenode.Manifest, error) {
				resolved++
				return cachenode.Manifest{}, failure
			}}
			s := scheduler(t, fetch.Config{Buffers: 64 * mib})
			if _, err := s.Ensure(t.Context(), fetch.Request{Source: src, Store: newDisk()}); !errors.Is(err, failure) || resolved != 1 {
				t.Errorf("%v after %d attempts, want %v after 1", err, resolved, failure)
			}
		}
	})
}

// inspector refuses by what it is told to.
type inspector struct {
	head  func(f cachenode.File, head []byte) error
	whole func(f cachenode.File, r io.ReaderAt) error
}

func (i inspector) Head(f cachenode.File, head []byte) error          { return i.head(f, head) }
func (i inspector) Whole(f cachenode.File, content io.ReaderAt) error { return i.whole(f, content) }

// attentive accepts heads and files that are what they should be.
var attentive = inspector{
	head: func(f cachenode.File, head []byte) error {
		if want := min(f.Size, 4*mib); int64(len(head)) != want || !same(seedOf(f), 0, head) {
			return fmt.Errorf("%s: head of %d bytes, want the first %d", f.Path, len(head), want)
		}
		return nil
	},
	whole: func(f cachenode.File, r io.ReaderAt) error {
		p := make([]byte, f.Size)
		if _, err := r.ReadAt(p, 0); err != nil || !same(seedOf(f), 0, p) {
			return fmt.Errorf("%s is not whole: %w", f.Path, err)
		}
		return nil
	},
}

// J6: a file is judged by its head, and as a whole before it is sealed.
func TestFill_InspectsHeadAndWhole(t *testing.T) {
	t.Parallel()
	m, store := manifest(file("a", 0, 1), file("b", 100, 2), file("c", 40*mib, 3)), newDisk()
	s := scheduler(t, fetch.Config{Buffers: 16 * mib})
	if err := s.Fill(t.Context(), fetch.Job{Source: &origin{}, Store: store, Manifest: m, Inspector: attentive}); err != nil {
		t.Fatal(err)
	}
	store.holds(t, m)
}

// J6: what is refused leaves nothing behind; a refused head is never stored.
func TestFill_KeepsNothingOfARefusedFile(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]inspector{
		"head":  {head: func(cachenode.File, []byte) error { return cachenode.ErrUnsafe }, whole: attentive.whole},
		"whole": {head: attentive.head, whole: func(cachenode.File, io.ReaderAt) error { return cachenode.ErrUnsafe }},
	} {
		m, store := manifest(file("c", 40*mib, 3)), newDisk()
		store.write = func(_ cachenode.File, off int64, _ cachenode.Placement) error {
			if off == 0 && name == "head" {
				t.Error("a refused head was stored")
			}
			return nil
		}
		s := scheduler(t, fetch.Config{Buffers: 16 * mib})
		err := s.Fill(t.Context(), fetch.Job{Source: &origin{}, Store: store, Manifest: m, Inspector: refuse})
		if !errors.Is(err, cachenode.ErrUnsafe) {
			t.Errorf("%s: %v, want ErrUnsafe", name, err)
		}
		store.check(t)
		if len(store.published) != 0 || store.verifiedBytes() != 0 {
			t.Errorf("%s: %d bytes stay, %d revisions published", name, store.verifiedBytes(), len(store.published))
		}
	}
}

// J6: a resumed file is judged too, although its head was fetched before.
func TestFill_InspectsTheHeadOfAResumedFile(t *testing.T) {
	t.Parallel()
	m, store := manifest(file("a", 40*mib, 2)), newDisk()
	src := &origin{script: func(q *request) error {
		if q.chunk() == 2 && q.nth == 1 {
			return cachenode.ErrDenied
		}
		return nil
	}}
	s := scheduler(t, fetch.Config{Buffers: 4 * mib})
	_ = s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m})
	strict := inspector{head: func(f cachenode.File, head []byte) error {
		if !same(seedOf(f), 0, head) || int64(len(head)) != 4*mib {
			t.Errorf("head of %d bytes is not the file's", len(head))
		}
		return cachenode.ErrUnsafe
	}}
	before := src.calls()
	if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m, Inspector: strict}); !errors.Is(err, cachenode.ErrUnsafe) {
		t.Errorf("error %v, want ErrUnsafe", err)
	}
	if src.calls() != before {
		t.Errorf("%d more requests for a file that is refused", src.calls()-before)
	}
}

// peers answers from a function.
type peers func(ctx context.Context, id cachenode.BlobID, r cachenode.Range) (io.ReadCloser, error)

func (p peers) Open(ctx context.Context, id cachenode.BlobID, r cachenode.Range) (io.ReadCloser, error) {
	return p(ctx, id, r)
}

// E5: a chunk comes from a peer if one has it, and from the origin as soon as the
// peer fails in any way, resuming where the peer left off; no attempt is lost to it.
func TestFill_TakesFromPeersAndFallsBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer     func(ctx context.Context, good io.Reader) (io.Reader, error)
		fromOrigin int64
	}{
		"has it":    {func(_ context.Context, r io.Reader) (io.Reader, error) { return r, nil }, 0},
		"not found": {func(context.Context, io.Reader) (io.Reader, error) { return nil, cachenode.ErrNotFound }, 36 * mib},
		"broken":    {func(context.Context, io.Reader) (io.Reader, error) { return nil, errors.New("bad certificate") }, 36 * mib},
		"cut": {func(_ context.Context, r io.Reader) (io.Reader, error) { return io.LimitReader(r, 5*mib), nil },
			36*mib - 2*4*mib - 4*mib},
		"stalls": {func(ctx context.Context, r io.Reader) (io.Reader, error) {
			return io.MultiReader(io.LimitReader(r, 9*mib), hung{ctx}), nil
		}, 36*mib - 2*8*mib - 4*mib},
		"lies": {func(_ context.Context, r io.Reader) (io.Reader, error) { return &flipped{r, 100}, nil }, 36 * mib},
		"fails late": {func(_ context.Context, r io.Reader) (io.Reader, error) {
			return io.MultiReader(io.LimitReader(r, 4*mib), iotest.ErrReader(cachenode.ErrDenied)), nil
		}, 36*mib - 3*4*mib},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := file("a", 36*mib, 2)
				m, src, store, seen := manifest(f), &origin{}, newDisk(), newCounter()
				s := scheduler(t, fetch.Config{Buffers: 16 * mib, Observer: seen, Attempts: 1,
					Peers: peers(func(ctx context.Context, id cachenode.BlobID, r cachenode.Range) (io.ReadCloser, error) {
						if id != m.Blob(f) {
							t.Errorf("peer asked for %s", id)
						}
						body, err := tc.answer(ctx, &generator{seed: 2, off: r.Off, end: r.End()})
						if err != nil {
							return nil, err
						}
						return io.NopCloser(body), nil
					})})
				if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
					t.Fatal(err)
				}
				store.check(t)
				store.holds(t, m)
				if got := seen.received["s3"]; got != tc.fromOrigin {
					t.Errorf("%d bytes from the origin, want %d", got, tc.fromOrigin)
				}
			})
		})
	}
}

// E1: what has no checksum can't be verified, so it is not taken from a peer.
func TestFill_TakesNothingUnverifiableFromPeers(t *testing.T) {
	t.Parallel()
	f := file("a", 8*mib, 2)
	f.Source.Checksum = cachenode.Checksum{}
	m, store := manifest(f), newDisk()
	s := scheduler(t, fetch.Config{Buffers: 16 * mib, Peers: peers(func(context.Context, cachenode.BlobID, cachenode.Range) (io.ReadCloser, error) {
		t.Error("a peer was asked")
		return nil, cachenode.ErrNotFound
	})})
	if err := s.Fill(t.Context(), fetch.Job{Source: &origin{}, Store: store, Manifest: m}); err != nil {
		t.Fatal(err)
	}
	store.holds(t, m)
}
