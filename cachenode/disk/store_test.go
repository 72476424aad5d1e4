// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestStore_PublishedModelIsADirectoryOfItsBytes(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	mustFill(t, s, m)
	check := func(s *Store) {
		t.Helper()
		if err := same(s.Path(m.Revision()), m); err != nil {
			t.Error(err)
		}
		if got, err := s.Manifest(m.Revision()); err != nil || got.Revision() != m.Revision() {
			t.Errorf("Manifest() = %v, %v", got, err)
		}
	}
	check(s)
	check(reopen(t, s))
}

func TestStore_FilesAreReadOnlyAndSharedBetweenRevisions(t *testing.T) {
	t.Parallel()
	s := openStore(t, privateDir(t), Options{})
	one := newModel("m", map[string]tagged{"a": {1, 5000}, "b": {2, 10}})
	two := newModel("m", map[string]tagged{"a": {1, 5000}, "b": {3, 10}})
	mustFill(t, s, one)
	used := s.Usage().Used
	mustFill(t, s, two)
	a, errA := os.Stat(filepath.Join(s.Path(one.Revision()), "a"))
	b, errB := os.Stat(filepath.Join(s.Path(two.Revision()), "a"))
	if errA != nil || errB != nil || !os.SameFile(a, b) {
		t.Errorf("the file that did not change is there twice (%v, %v)", errA, errB)
	}
	if a.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, want 0444", a.Mode())
	}
	if more := s.Usage().Used - used; more > 4096 {
		t.Errorf("the second revision took %d bytes more", more)
	}
	if err := s.Evict(one.Revision()); err != nil {
		t.Fatal(err)
	}
	if err := same(s.Path(two.Revision()), two); err != nil {
		t.Errorf("after the other revision went: %v", err)
	}
}

func TestStore_LeasesAndPinsKeepACopy(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	mustFill(t, s, m)
	rev := m.Revision()
	release, err := s.Lease(rev)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Evict(rev); !errors.Is(err, cachenode.ErrInUse) {
		t.Errorf("leased: Evict() = %v", err)
	}
	release()
	release()
	if err := s.Pin(rev, true); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	if err := s.Evict(rev); !errors.Is(err, cachenode.ErrInUse) {
		t.Errorf("pinned, after a restart: Evict() = %v", err)
	}
	if err := errors.Join(s.Pin(rev, false), s.Evict(rev)); err != nil {
		t.Errorf("unpinned: %v", err)
	}
	if used := s.Usage().Used; used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
	if _, err := s.Lease(rev); !errors.Is(err, cachenode.ErrNotFound) {
		t.Errorf("Lease() of what is gone = %v", err)
	}
}

// D1: what can't be written down on a full disk is a hint, and keeps nobody from reading.
func TestStore_LeasesComeAndGoOnAFullDisk(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	mustFill(t, s, m)
	rev := m.Revision()
	s.fsys.hook = func(op Op) error {
		if strings.HasPrefix(op.Path, useDir+"/") {
			return syscall.ENOSPC
		}
		return nil
	}
	release, err := s.Lease(rev)
	if err != nil {
		t.Fatalf("Lease() = %v", err)
	}
	if err := s.Evict(rev); !errors.Is(err, cachenode.ErrInUse) {
		t.Errorf("leased: Evict() = %v", err)
	}
	release()
	s.fsys.hook = nil
	if copies := s.List(); len(copies) != 1 || copies[0].Leases != 0 {
		t.Errorf("released: %+v", copies)
	}
	if err := s.Evict(rev); err != nil {
		t.Errorf("released: Evict() = %v", err)
	}
}

func TestStore_NamesFollowTheirCopies(t *testing.T) {
	t.Parallel()
	s := openStore(t, privateDir(t), Options{})
	one, two := small("m", 1), small("m", 2)
	mustFill(t, s, one)
	mustFill(t, s, two)
	for _, m := range []model{one, two, two} {
		if err := s.SetName("llama", m.Revision()); err != nil {
			t.Fatal(err)
		}
		if err := same(filepath.Join(s.path, namesDir, "llama")+"/", m); err != nil {
			t.Errorf("through the name: %v", err)
		}
	}
	s = reopen(t, s)
	if rev, ok := s.Named("llama"); !ok || rev != two.Revision() {
		t.Errorf("after a restart the name points at %q", rev)
	}
	if err := s.Evict(two.Revision()); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Named("llama"); ok || len(s.Names()) != 0 {
		t.Error("a name outlived its copy")
	}
	if _, err := os.Lstat(filepath.Join(s.path, namesDir, "llama")); !os.IsNotExist(err) {
		t.Errorf("its link is still there: %v", err)
	}
	if err := s.SetName("llama", two.Revision()); !errors.Is(err, cachenode.ErrNotFound) {
		t.Errorf("SetName() of what is gone = %v", err)
	}
}

// D7, J2: who may be where.
func TestOpen_RefusesRootsThatOthersCouldChange(t *testing.T) {
	t.Parallel()
	parent := privateDir(t)
	root := filepath.Join(parent, "cache")
	s := openStore(t, root, Options{})
	if _, err := Open(root, Options{}); !errors.Is(err, cachenode.ErrInUse) {
		t.Errorf("a second Open() = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{root: 0o777, parent: 0o777} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(root, Options{}); !errors.Is(err, cachenode.ErrInvalid) {
			t.Errorf("%s with mode %o: Open() = %v", name, mode, err)
		}
		if err := os.Chmod(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(filepath.Join(parent, "none"), Options{Existing: true}); !errors.Is(err, cachenode.ErrNotFound) {
		t.Errorf("Open() of nothing = %v", err)
	}
}

// K3: a newer layout is refused, and so is a folder that is no store, whatever is in it.
func TestOpen_RefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{layoutFile: "hoist store 2\n", "thesis.txt": "precious", "download.tmp": "half",
		"datasets/a": "precious", "models/llama/w": "of another program", "use": "no folder"} {
		root := filepath.Join(privateDir(t), "root")
		at := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err := Open(root, Options{})
		if e, ok := errors.AsType[*cachenode.Error](err); !ok || !errors.Is(e, cachenode.ErrInvalid) || e.Hint == "" {
			t.Errorf("%s: Open() = %v", name, err)
		}
		if got, err := os.ReadFile(at); err != nil || string(got) != content {
			t.Errorf("%s was touched: %q, %v", name, got, err)
		}
	}
}

// What a fresh file system has, and what a start that was cut short left, is no trouble.
func TestOpen_LaysOutAnEmptyRoot(t *testing.T) {
	t.Parallel()
	root := privateDir(t)
	err := errors.Join(os.Mkdir(filepath.Join(root, "lost+found"), 0o700), os.Mkdir(filepath.Join(root, ingestDir), 0o755), os.Mkdir(filepath.Join(root, useDir), 0o755),
		os.WriteFile(filepath.Join(root, layoutFile+partSuffix), []byte("hoist"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	s, m := openStore(t, root, Options{}), small("m", 1)
	mustFill(t, s, m)
	if err := same(s.Path(m.Revision()), m); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(root, "lost+found")); err != nil {
		t.Errorf("what belongs to the file system was touched: %v", err)
	}
}

// J2: once open, a store does not follow its path anywhere else.
func TestStore_SwappedRootIsNotFollowed(t *testing.T) {
	t.Parallel()
	parent := privateDir(t)
	root, aside, trap := filepath.Join(parent, "root"), filepath.Join(parent, "aside"), filepath.Join(parent, "trap")
	s := openStore(t, root, Options{})
	if err := os.Mkdir(trap, 0o700); err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		if err := errors.Join(os.Rename(root, aside), os.Symlink(trap, root)); err != nil {
			t.Fatal(err)
		}
		if n%100 == 0 {
			m := small("m", uint64(n))
			mustFill(t, s, m)
			if err := s.Evict(m.Revision()); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(os.Remove(root), os.Rename(aside, root)); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(trap); err != nil || len(entries) > 0 {
		t.Errorf("the trap holds %v (%v)", entries, err)
	}
}

// D8: nothing is left open.
func TestStore_LeaksNoFilesOverAThousandCycles(t *testing.T) { //nolint:paralleltest // counts open files
	s := openStore(t, fastDir(t), Options{})
	m := small("m", 1)
	cycle := func() {
		mustFill(t, s, m)
		release, err := s.Lease(m.Revision())
		if err != nil {
			t.Fatal(err)
		}
		release()
		if err := s.Evict(m.Revision()); err != nil {
			t.Fatal(err)
		}
	}
	cycle()
	before := openFiles(t)
	for range 1000 {
		cycle()
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
