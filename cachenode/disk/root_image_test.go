// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// image is a small ext4 file system in a file, on a loop device.
type image struct {
	t      testing.TB
	file   string
	device string
	at     string // where it is mounted
}

// newImage makes and mounts one. Without root or loop devices the test is skipped, with
// the reason, or fails where HOIST_REQUIRE_ROOT_TESTS=1 says that it must run.
func newImage(t testing.TB, megabytes int64) *image {
	t.Helper()
	if os.Geteuid() != 0 {
		cantRun(t, "needs root, to mount a file system")
	}
	dir := privateDir(t)
	i := &image{t: t, file: filepath.Join(dir, "image"), at: filepath.Join(dir, "mount")}
	f, err := os.Create(i.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(megabytes<<20), f.Close(), os.Mkdir(i.at, 0o700)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", i.file).CombinedOutput(); err != nil {
		cantRun(t, "mkfs.ext4: "+err.Error()+": "+string(out))
	}
	out, err := exec.Command("losetup", "--find", "--show", i.file).CombinedOutput()
	if err != nil {
		cantRun(t, "losetup: "+err.Error()+": "+string(out))
	}
	i.device = strings.TrimSpace(string(out))
	t.Cleanup(func() {
		i.unmount()
		if out, err := exec.Command("losetup", "--detach", i.device).CombinedOutput(); err != nil {
			t.Errorf("losetup --detach %s: %v: %s", i.device, err, out)
		}
	})
	i.mount()
	return i
}

func cantRun(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("HOIST_REQUIRE_ROOT_TESTS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func (i *image) mount() {
	i.t.Helper()
	if err := unix.Mount(i.device, i.at, "ext4", 0, ""); err != nil {
		i.t.Fatalf("mount %s: %v", i.device, err)
	}
	if err := os.Chmod(i.at, 0o700); err != nil {
		i.t.Fatal(err)
	}
}

func (i *image) unmount() {
	for unix.Unmount(i.at, 0) == unix.EBUSY {
		if raw, err := os.ReadFile("/proc/self/mounts"); err != nil || !bytes.Contains(raw, []byte(i.at)) {
			return
		}
	}
}

// cut is the power going: EXT4_IOC_SHUTDOWN without flushing the journal. From now on
// every operation fails; a new mount replays what had reached the disk.
func (i *image) cut() {
	i.t.Helper()
	const shutdown, noLogFlush = 0x8004587d, 2
	dir, err := os.Open(i.at)
	if err != nil {
		i.t.Fatal(err)
	}
	defer dir.Close()
	if err := unix.IoctlSetPointerInt(int(dir.Fd()), shutdown, noLogFlush); err != nil {
		cantRun(i.t, "EXT4_IOC_SHUTDOWN: "+err.Error())
	}
}

// remount is the power coming back.
func (i *image) remount() {
	i.t.Helper()
	i.unmount()
	i.mount()
}
