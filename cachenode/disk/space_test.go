// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// disk100 pretends a file system of a size, with what the store itself has taken and
// what others have.
type fakeDisk struct {
	total, others int64
	store         *Store
}

func (d *fakeDisk) space(*fsys) (space, error) {
	var used int64
	if d.store != nil {
		for _, b := range d.store.blobs { // called with the store's lock held, or before anything runs
			used += b.bytes
		}
	}
	return space{total: d.total, free: d.total - d.others - used}, nil
}

const mib = 1 << 20

func big(prefix string, tag uint64, size int) model {
	return newModel(prefix, map[string]tagged{"w": {tag, size}})
}

// D1, D2: room is made before the first byte, by evicting what may go, and what does
// not fit is refused before the first byte.
func TestBegin_MakesRoomOrRefuses(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := openStore(t, fastDir(t), Options{MaxBytes: 10 * mib, now: clock.tick})
	a, b, c := big("a", 1, 4*mib), big("b", 2, 4*mib), big("c", 3, 4*mib)
	mustFill(t, s, a)
	mustFill(t, s, b)
	release, err := s.Lease(a.Revision()) // now b is the one used least recently
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	mustFill(t, s, c)
	if got := revisions(s); !got[a.Revision()] || got[b.Revision()] || !got[c.Revision()] {
		t.Errorf("left are %v", got)
	}
	if err := s.Pin(c.Revision(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), b.Manifest); !errors.Is(err, cachenode.ErrNoSpace) {
		t.Errorf("Begin() with all leased or pinned = %v", err)
	}
	if used := s.Usage(); used.Used > used.Budget || used.Reserved != 0 {
		t.Errorf("usage %+v", used)
	}
}

// Two fillings at once can't both count on the same room.
func TestBegin_CountsWhatOthersWerePromised(t *testing.T) {
	t.Parallel()
	s := openStore(t, fastDir(t), Options{MaxBytes: 6 * mib})
	a, b := big("a", 1, 4*mib), big("b", 2, 4*mib)
	first, err := s.Begin(t.Context(), a.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), b.Manifest); !errors.Is(err, cachenode.ErrNoSpace) {
		t.Errorf("the second Begin() = %v", err)
	}
	first.End()
	mustFill(t, s, b)
}

// D2: when others fill the disk, the cache gives way, but never what is in use.
func TestReclaim_KeepsTheFloorFree(t *testing.T) {
	t.Parallel()
	clock, disk := newClock(), &fakeDisk{total: 100 * mib}
	s := openStore(t, fastDir(t), Options{MinFree: 0.15, now: clock.tick, space: disk.space})
	disk.store = s
	a, b := big("a", 1, 20*mib), big("b", 2, 20*mib)
	mustFill(t, s, a)
	mustFill(t, s, b)
	if err := s.Reclaim(t.Context()); err != nil || s.Usage().Evicted != 0 {
		t.Errorf("with room enough: Reclaim() = %v, evicted %d", err, s.Usage().Evicted)
	}
	disk.others = 55 * mib // 5 MiB are left, 15 must be
	if err := s.Reclaim(t.Context()); err != nil || s.Usage().Evicted != 1 || revisions(s)[a.Revision()] {
		t.Errorf("Reclaim() = %v; left are %v", err, revisions(s))
	}
	release, err := s.Lease(b.Revision())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	disk.others = 78 * mib
	if err := s.Reclaim(t.Context()); !errors.Is(err, cachenode.ErrNoSpace) || !revisions(s)[b.Revision()] {
		t.Errorf("with all in use: Reclaim() = %v", err)
	}
}
