// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

// machine drives a store through a random life and keeps a simple model of what must
// be in it: which revisions are listed, and what keeps them.
type machine struct {
	t      *testing.T
	store  *Store
	models []model

	listed   map[cachenode.Revision]bool
	pinned   map[cachenode.Revision]bool
	repin    map[cachenode.Revision]bool // pinned when they were found rotten
	released map[cachenode.Revision][]func()
	stale    []func() // of copies that were found rotten while they were leased
	steps    int
}

func (m *machine) pick(t *rapid.T) model { return rapid.SampledFrom(m.models).Draw(t, "model") }

func (m *machine) free(rev cachenode.Revision) bool {
	return !m.pinned[rev] && len(m.released[rev]) == 0
}

// actions are what may happen, by name. They check what each call answers.
func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"fill": func(t *rapid.T) {
			one := m.pick(t)
			m.must(t, fill(m.t.Context(), m.store, one))
			m.published(one.Revision())
		},
		"fill half": func(t *rapid.T) {
			one := m.pick(t)
			filling, err := m.store.Begin(m.t.Context(), one.Manifest)
			m.must(t, err)
			defer filling.End()
			for _, f := range one.Files[:rapid.IntRange(0, len(one.Files)).Draw(t, "files")] {
				m.must(t, ingestFile(m.t.Context(), filling, f, one.content[f.Path]))
			}
			if err := filling.Publish(m.t.Context()); err != nil && !errors.Is(err, cachenode.ErrIncomplete) {
				t.Fatalf("publish: %v", err)
			} else if err == nil {
				m.published(one.Revision())
			}
		},
		"fill on a failing disk": func(t *rapid.T) {
			one := m.pick(t)
			m.store.fsys.hook, _ = failAt(rapid.IntRange(1, 60).Draw(t, "operation"), syscall.EIO, rapid.Bool().Draw(t, "for good"))
			err := fill(m.t.Context(), m.store, one)
			m.store.fsys.hook = nil
			m.restart() // a disk that fails is looked at anew
			if err == nil {
				m.listed[one.Revision()] = true
			}
			m.listed[one.Revision()] = revisions(m.store)[one.Revision()] || err == nil // whole or absent: checked below
			for _, c := range m.store.List() {
				m.pinned[c.Revision] = c.Pinned // that may have been lost with the write
			}
		},
		"evict": func(t *rapid.T) {
			rev := m.pick(t).Revision()
			err := m.store.Evict(rev)
			switch {
			case !m.listed[rev]:
				m.is(t, err, cachenode.ErrNotFound)
			case !m.free(rev):
				m.is(t, err, cachenode.ErrInUse)
			default:
				m.must(t, err)
				m.listed[rev] = false
			}
		},
		"pin": func(t *rapid.T) {
			rev, on := m.pick(t).Revision(), rapid.Bool().Draw(t, "on")
			if err := m.store.Pin(rev, on); m.listed[rev] {
				m.must(t, err)
				m.pinned[rev] = on
			} else {
				m.is(t, err, cachenode.ErrNotFound)
			}
		},
		"lease": func(t *rapid.T) {
			rev := m.pick(t).Revision()
			if release, err := m.store.Lease(rev); m.listed[rev] {
				m.must(t, err)
				m.released[rev] = append(m.released[rev], release)
			} else {
				m.is(t, err, cachenode.ErrNotFound)
			}
		},
		"release": func(t *rapid.T) {
			if rev := m.pick(t).Revision(); len(m.released[rev]) > 0 {
				m.released[rev][0]()
				m.released[rev] = m.released[rev][1:]
			}
		},
		"bit rot": func(t *rapid.T) {
			one := m.pick(t)
			f := one.Files[rapid.IntRange(0, len(one.Files)-1).Draw(t, "file")]
			if !m.listed[one.Revision()] || f.Size == 0 {
				return
			}
			id := one.Blob(f)
			flip(m.t, filepath.Join(m.store.path, blobPath(id)), rapid.Int64Range(0, f.Size-1).Draw(t, "at"))
			result, err := m.store.Scrub(m.t.Context(), 0, nobody)
			m.must(t, err)
			gone := map[cachenode.Revision]bool{}
			for _, rev := range result.Quarantined {
				gone[rev] = true
			}
			for _, other := range m.models {
				rev := other.Revision()
				if _, has := blobsOf(other.Manifest)[id]; has && m.listed[rev] {
					if !gone[rev] {
						t.Fatalf("%s has the rotten blob and was not found", rev.Short())
					}
					m.repin[rev] = m.pinned[rev]
					m.stale = append(m.stale, m.released[rev]...)
					m.listed[rev], m.pinned[rev], m.released[rev] = false, false, nil
				}
			}
		},
		"release what is rotten": func(*rapid.T) {
			for _, release := range m.stale {
				release() // gives nothing back of the copies that are there now
			}
			m.stale = nil
		},
		"restart": func(*rapid.T) { m.restart() },
		"":        m.check,
	}
}

// published is a revision that is listed from now on, pinned if it was when it was found rotten.
func (m *machine) published(rev cachenode.Revision) {
	if !m.listed[rev] {
		m.listed[rev], m.pinned[rev] = true, m.repin[rev]
	}
	delete(m.repin, rev)
}

func (m *machine) restart() {
	m.store = reopen(m.t, m.store)
	clear(m.repin)
	m.released, m.stale = map[cachenode.Revision][]func(){}, nil
}

// check compares the store with the model. Full reads are for every few steps.
func (m *machine) check(t *rapid.T) {
	m.steps++
	got := revisions(m.store)
	for _, c := range m.store.List() {
		if want := len(m.released[c.Revision]); c.Leases != want {
			t.Fatalf("revision %s has %d leases, want %d", c.Revision.Short(), c.Leases, want)
		}
		if want := m.pinned[c.Revision]; c.Pinned != want {
			t.Fatalf("revision %s pinned is %v, want %v", c.Revision.Short(), c.Pinned, want)
		}
	}
	for _, one := range m.models {
		rev := one.Revision()
		if got[rev] != m.listed[rev] {
			t.Fatalf("revision %s listed is %v, want %v", rev.Short(), got[rev], m.listed[rev])
		}
		if !got[rev] {
			m.pinned[rev] = false
			continue
		}
		if err := same(m.store.Path(rev), one); err != nil { // A1: no reader sees a byte that is not the manifest's
			t.Fatalf("revision %s: %v", rev.Short(), err)
		}
	}
}

func (m *machine) must(t *rapid.T, err error) {
	if err != nil {
		t.Fatalf("%+v", err)
	}
}

func (m *machine) is(t *rapid.T, err, want error) {
	if !errors.Is(err, want) {
		t.Fatalf("%v, want %v", err, want)
	}
}

// A1, at the store: through any life, what is listed is exactly what was published and
// not evicted or found rotten, and its bytes are those of its manifest.
// Twenty times rapid's 100 make 2,000 lives; make soak runs more.
func TestStore_AnyLifeKeepsExactlyWhatItShould(t *testing.T) {
	t.Parallel()
	var models []model
	for i := range uint64(4) {
		models = append(models, newModel("m", map[string]tagged{"shared": {1, 300}, "pair": {10 + i/2, 40}, "d/own": {20 + i, 17}, "empty": {30 + i, 0}}))
	}
	lives := 20
	if testing.Short() {
		lives = 2
	}
	for life := range lives {
		t.Run(fmt.Sprint(life), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				dir := fastDir(t)
				m := &machine{t: t, store: openStore(t, dir, Options{}), models: models,
					listed: map[cachenode.Revision]bool{}, pinned: map[cachenode.Revision]bool{}, repin: map[cachenode.Revision]bool{}, released: map[cachenode.Revision][]func(){}}
				r.Repeat(m.actions())
				if err := errors.Join(m.store.Close(), os.RemoveAll(dir)); err != nil {
					r.Fatal(err)
				}
			})
		})
	}
}
