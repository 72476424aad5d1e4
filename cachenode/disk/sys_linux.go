// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"crypto/rand"
	"errors"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// mountID is an id that the mount of root has alone, ever (Linux 6.8).
func mountID(root *os.Root) (string, bool) {
	const statxMntIDUnique = 0x4000
	dir, err := root.Open(".")
	if err != nil {
		return "", false
	}
	defer dir.Close()
	var st unix.Statx_t
	err = unix.Statx(int(dir.Fd()), "", unix.AT_EMPTY_PATH, statxMntIDUnique, &st)
	return strconv.FormatUint(st.Mnt_id, 10), err == nil && st.Mask&statxMntIDUnique != 0
}

func uniqueLife() string { return rand.Text() }

// allocate reserves size bytes for f, so that writing them can't run out of space.
// On a file system that can't it makes a file with a hole.
func (f *file) allocate(size int64) error {
	if err := f.fsys.before("allocate", f.name, ""); err != nil {
		return wrap("allocate", f.name, err)
	}
	err := unix.Fallocate(int(f.Fd()), 0, 0, max(size, 1))
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = f.File.Truncate(size)
	}
	return wrap("allocate", f.name, err)
}

// openDirect opens name for writes around the page cache, nil if that can't be had.
func (f *fsys) openDirect(name string, flag int) *file {
	got, err := f.opened("open", name, flag|unix.O_DIRECT)
	if err != nil {
		return nil
	}
	return got
}

// writeOut has the kernel begin to write what is dirty of a part of the file, and does not wait for it. It is no promise: what fails is told by Sync.
func (f *file) writeOut(off, size int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, size, unix.SYNC_FILE_RANGE_WRITE)
}

// dropPages asks the kernel to forget the file's clean pages: what passed through
// once should not push out what others are using.
func (f *file) dropPages() { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }

// space is what a file system has, in bytes and inodes.
type space struct {
	total, free   int64
	inodes, ifree int64 // 0: the file system does not count them
}

func (f *fsys) space() (space, error) {
	dir, err := f.root.Open(".")
	if err != nil {
		return space{}, wrap("stat", f.root.Name(), err)
	}
	defer dir.Close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &st); err != nil {
		return space{}, wrap("stat", f.root.Name(), err)
	}
	return space{total: int64(st.Blocks) * st.Bsize, free: int64(st.Bavail) * st.Bsize, inodes: int64(st.Files), ifree: int64(st.Ffree)}, nil
}

// allocated is what name takes of the disk, in bytes.
func (f *fsys) allocated(name string) int64 {
	info, err := f.root.Lstat(name)
	if err != nil {
		return 0
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.Size()
	}
	return st.Blocks * 512
}
