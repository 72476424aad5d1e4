// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// flip changes one bit of a file, behind the store's back.
func flip(t testing.TB, name string, at int64) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	b[0] ^= 1
	if err == nil {
		_, err = f.WriteAt(b[:], at)
	}
	if err := errors.Join(err, f.Close(), os.Chmod(name, info.Mode()), os.Chtimes(name, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
}

func nobody(cachenode.Revision) {}

// A4: one cycle finds one flipped bit, and nobody gets that copy any more.
func TestScrub_FindsBitRotAndQuarantinesEveryCopyThatHasIt(t *testing.T) {
	t.Parallel()
	s := openStore(t, privateDir(t), Options{})
	one := newModel("m", map[string]tagged{"w": {1, cachenode.ChunkSize + 5000}, "c": {2, 10}})
	two := newModel("m", map[string]tagged{"w": {1, cachenode.ChunkSize + 5000}, "c": {3, 10}})
	other := small("other", 7)
	for _, m := range []model{one, two, other} {
		mustFill(t, s, m)
	}
	result, err := s.Scrub(t.Context(), 0, nobody)
	if err != nil || len(result.Quarantined) > 0 || result.Bytes < cachenode.ChunkSize {
		t.Fatalf("all is well, and Scrub() = %+v, %v", result, err)
	}
	flip(t, filepath.Join(s.Path(one.Revision()), "w"), cachenode.ChunkSize+4000)
	result, err = s.Scrub(t.Context(), 0, nobody)
	want := []cachenode.Revision{one.Revision(), two.Revision()}
	slices.Sort(want)
	if err != nil || !slices.Equal(result.Quarantined, want) {
		t.Errorf("Scrub() = %+v, %v; want %v", result, err, want)
	}
	for range 2 {
		if got := revisions(s); len(got) != 1 || !got[other.Revision()] {
			t.Errorf("still listed: %v", got)
		}
		s = reopen(t, s)
	}
	mustFill(t, s, one)
	if err := same(s.Path(one.Revision()), one); err != nil {
		t.Errorf("fetched again: %v", err)
	}
}

// A4, D4: what can't be read keeps nobody from finding the rot behind it, in the same cycle.
func TestScrub_PassesOverABlobThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := openStore(t, privateDir(t), Options{})
	for tag := range uint64(5) {
		mustFill(t, s, big("m", tag, 100))
	}
	blobs := s.sealed()
	for _, unreadable := range []int{0, 2} {
		if err := os.Remove(filepath.Join(s.path, blobPath(blobs[unreadable])+sumsSuffix)); err != nil {
			t.Fatal(err)
		}
	}
	flip(t, filepath.Join(s.path, blobPath(blobs[4])), 7)
	var told []cachenode.Revision
	result, err := s.Scrub(t.Context(), 0, func(rev cachenode.Revision) {
		if revisions(s)[rev] {
			t.Error("what is told to be gone is listed")
		}
		told = append(told, rev)
	})
	if !errors.Is(err, cachenode.ErrDisk) || len(result.Quarantined) != 1 || !slices.Equal(told, result.Quarantined) {
		t.Errorf("Scrub() = %+v, %v; told are %v", result, err, told)
	}
	if got := revisions(s); len(got) != 4 {
		t.Errorf("listed are %d, want all but the rotten one", len(got))
	}
}

// D4: a disk that is gone is not read to its end.
func TestScrub_EndsWithTheDisk(t *testing.T) {
	t.Parallel()
	s := openStore(t, privateDir(t), Options{})
	for tag := range uint64(5) {
		mustFill(t, s, big("m", tag, 100))
	}
	for _, id := range s.sealed() {
		if err := os.Remove(filepath.Join(s.path, blobPath(id)+sumsSuffix)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{errorsToUnstable, 1} { // then the disk is known to be ill
		_, err := s.Scrub(t.Context(), 0, nobody)
		if got := strings.Count(fmt.Sprint(err), sumsSuffix+":"); got != want {
			t.Errorf("Scrub() met %d errors, want %d: %v", got, want, err)
		}
	}
}

func TestVerify_OfOneCopy(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	mustFill(t, s, m)
	if err := s.Verify(t.Context(), m.Revision()); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(s.path, blobPath(m.Blob(m.Files[0]))), 3); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), m.Revision()); !errors.Is(err, cachenode.ErrCorrupt) {
		t.Errorf("Verify() of a cut file = %v", err)
	}
	if err := s.Verify(t.Context(), m.Revision()); !errors.Is(err, cachenode.ErrNotFound) {
		t.Errorf("Verify() of what was quarantined = %v", err)
	}
}

// A lease is of the copy that was there: what was fetched in its place is leased by others.
func TestVerify_LeasesOfAQuarantinedCopyAreNotThoseOfTheNextOne(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	lease := func() func() {
		t.Helper()
		mustFill(t, s, m)
		release, err := s.Lease(m.Revision())
		if err != nil {
			t.Fatal(err)
		}
		return release
	}
	before := lease()
	flip(t, filepath.Join(s.path, blobPath(m.Blob(m.Files[0]))), 3)
	if err := s.Verify(t.Context(), m.Revision()); !errors.Is(err, cachenode.ErrCorrupt) {
		t.Fatalf("Verify() of a flipped bit = %v", err)
	}
	after := lease()
	before()
	if err := s.Evict(m.Revision()); !errors.Is(err, cachenode.ErrInUse) {
		t.Errorf("the lease of the copy before was given back: Evict() = %v", err)
	}
	after()
	if err := s.Evict(m.Revision()); err != nil {
		t.Errorf("both were given back: Evict() = %v", err)
	}
}

// A pin is of the model, not of the bytes that turned out rotten.
func TestVerify_APinOutlivesTheQuarantine(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	mustFill(t, s, m)
	if err := s.Pin(m.Revision(), true); err != nil {
		t.Fatal(err)
	}
	flip(t, filepath.Join(s.path, blobPath(m.Blob(m.Files[0]))), 3)
	if err := s.Verify(t.Context(), m.Revision()); !errors.Is(err, cachenode.ErrCorrupt) {
		t.Fatalf("Verify() of a flipped bit = %v", err)
	}
	mustFill(t, s, m)
	s = reopen(t, s)
	if err := s.Evict(m.Revision()); !errors.Is(err, cachenode.ErrInUse) {
		t.Errorf("Evict() = %v", err)
	}
	if err := errors.Join(s.Pin(m.Revision(), false), s.Evict(m.Revision())); err != nil {
		t.Fatal(err)
	}
	mustFill(t, s, m)
	if err := s.Evict(m.Revision()); err != nil {
		t.Errorf("unpinned and fetched again: Evict() = %v", err)
	}
}
