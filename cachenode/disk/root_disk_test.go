// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/cachenode"
)

// D1: a real file system that is full. Room is claimed before the first byte; what
// others take away meanwhile is an error that loses nothing.
func TestRoot_FullDiskIsAnErrorAndNothingMore(t *testing.T) {
	t.Parallel()
	disk := newImage(t, 64)
	s := openStore(t, filepath.Join(disk.at, "cache"), Options{})
	kept := small("kept", 1)
	mustFill(t, s, kept)
	if _, err := s.Begin(t.Context(), big("huge", 2, 80*mib).Manifest); !errors.Is(err, cachenode.ErrNoSpace) {
		t.Errorf("80 MiB on 64: Begin() = %v", err)
	}
	m := big("m", 3, 20*mib)
	filling, err := s.Begin(t.Context(), m.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	hog := filepath.Join(disk.at, "hog") // somebody else
	if err := os.WriteFile(hog, make([]byte, 50*mib), 0o600); err != nil && !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	if err := ingestFile(t.Context(), filling, m.Files[0], m.content["w"]); !errors.Is(err, cachenode.ErrNoSpace) {
		t.Errorf("with the disk full: %v", err)
	}
	filling.End()
	if err := same(s.Path(kept.Revision()), kept); err != nil {
		t.Errorf("the copy that was there: %v", err)
	}
	if err := os.Remove(hog); err != nil {
		t.Fatal(err)
	}
	mustFill(t, s, m)
	if err := same(s.Path(m.Revision()), m); err != nil {
		t.Error(err)
	}
}

// D4: a file system that turns read-only stops what writes and nothing else.
func TestRoot_ReadOnlyFileSystemStillServesWhatItHas(t *testing.T) {
	t.Parallel()
	disk := newImage(t, 64)
	s := openStore(t, filepath.Join(disk.at, "cache"), Options{})
	kept, next := small("kept", 1), small("next", 5)
	mustFill(t, s, kept)
	for _, left := range []string{usePath(kept.Revision()) + partSuffix, usePath(next.Revision()), manifestPath(next.Revision()) + partSuffix} {
		if err := os.WriteFile(filepath.Join(s.path, left), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount("", disk.at, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for range errorsToUnstable {
		if err := fill(t.Context(), s, next); !errors.Is(err, cachenode.ErrReadOnly) {
			t.Errorf("fill() = %v", err)
		}
	}
	if s.Health() != Unstable {
		t.Errorf("health %v", s.Health())
	}
	if err := errors.Join(same(s.Path(kept.Revision()), kept), s.Verify(t.Context(), kept.Revision())); err != nil {
		t.Errorf("the copy that is there: %v", err)
	}
	s = reopen(t, s) // leftovers can't be swept
	release, err := s.Lease(kept.Revision())
	if err != nil {
		t.Fatalf("Lease() after a restart: %v", err)
	}
	release()
	if err := same(s.Path(kept.Revision()), kept); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := unix.Mount("", disk.at, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	mustFill(t, s, next)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// D4: a device that can't be read is an error of the disk, not rot, and no panic.
func TestRoot_UnreadableDeviceIsAnErrorOfTheDisk(t *testing.T) {
	t.Parallel()
	disk := newImage(t, 64)
	s := openStore(t, filepath.Join(disk.at, "cache"), Options{})
	m := big("m", 1, 20*mib)
	mustFill(t, s, m)
	unix.Sync()
	if err := os.Truncate(disk.file, 1*mib); err != nil { // most of the device is gone
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), m.Revision()); !errors.Is(err, cachenode.ErrDisk) {
		t.Errorf("Verify() = %v", err)
	}
	if !revisions(s)[m.Revision()] {
		t.Error("a copy left the index because its disk could not be read")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestRoot_FailedFsyncChild is not a test: it is the child of the next one.
func TestRoot_FailedFsyncChild(t *testing.T) {
	t.Parallel()
	root := os.Getenv("HOIST_TEST_FSYNC_ROOT")
	if root == "" {
		t.Skip("runs as a child of TestRoot_FailedFsyncIsNeverRetried")
	}
	runtime.LockOSThread() // strace counts the fsyncs of each thread
	defer runtime.UnlockOSThread()
	s, err := Open(root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := small("m", 1)
	err = fill(t.Context(), s, m)
	if !errors.Is(err, cachenode.ErrDisk) {
		t.Fatalf("fill() with an fsync that fails = %v", err)
	}
	if revisions(s)[m.Revision()] {
		t.Fatal("it is listed all the same")
	}
	if entries, err := s.fsys.list(ingestDir); err != nil || len(entries) > 0 {
		t.Fatalf("%d unfinished blobs are left (%v): a file whose fsync failed must not be resumed", len(entries), err)
	}
	mustFill(t, s, m) // the next fsyncs work
	if err := same(s.Path(m.Revision()), m); err != nil {
		t.Fatal(err)
	}
}

// B4: after the kernel said once that a file's bytes did not reach the disk, it says
// that all is well, and they are gone. So the file is given up at the first word.
func TestRoot_FailedFsyncIsNeverRetried(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		cantRun(t, "needs strace, to inject an error into fsync")
	}
	root := filepath.Join(privateDir(t), "cache")
	openStore(t, root, Options{}).Close() // its own fsyncs are done
	child := exec.Command("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=1",
		os.Args[0], "-test.run=^TestRoot_FailedFsyncChild$", "-test.v")
	child.Env = append(os.Environ(), "HOIST_TEST_FSYNC_ROOT="+root)
	out, err := child.CombinedOutput()
	if err != nil && strings.Contains(string(out), "ptrace") {
		cantRun(t, "strace may not trace here: "+string(out))
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestRoot_FailedFsyncChild") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestStore_SecondProcessChild is not a test: it is the child of the next one.
func TestStore_SecondProcessChild(t *testing.T) {
	t.Parallel()
	root := os.Getenv("HOIST_TEST_SECOND_ROOT")
	if root == "" {
		t.Skip("runs as a child of TestStore_SecondProcessIsRefused")
	}
	if _, err := Open(root, Options{}); !errors.Is(err, cachenode.ErrInUse) {
		t.Fatalf("Open() = %v", err)
	}
}

// D7: two processes can't write one store.
func TestStore_SecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	root := filepath.Join(privateDir(t), "cache")
	openStore(t, root, Options{})
	child := exec.Command(os.Args[0], "-test.run=^TestStore_SecondProcessChild$", "-test.v")
	child.Env = append(os.Environ(), "HOIST_TEST_SECOND_ROOT="+root)
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestStore_SecondProcessChild") {
		t.Errorf("%v:\n%s", err, out)
	}
}
