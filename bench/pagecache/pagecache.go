// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package pagecache looks at what the kernel holds of files in memory, and has it let go. It needs no root.
package pagecache

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Drop writes what is dirty of every file below dir to the disk, and drops their pages.
func Drop(dir string) error {
	return each(dir, func(f *os.File, _ int64) error {
		if err := f.Sync(); err != nil {
			return err
		}
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
}

// Resident is how many bytes of the files below dir are in memory, and how many there are.
func Resident(dir string) (resident, total int64, err error) {
	page := int64(os.Getpagesize())
	err = each(dir, func(f *os.File, size int64) error {
		pages, err := cached(f, size)
		if err != nil {
			return fmt.Errorf("look at the page cache of %s: %w", f.Name(), err)
		}
		resident += min(pages*page, size)
		total += size
		return nil
	})
	return resident, total, err
}

// cached is how many pages of a file are in memory: by cachestat(2) since Linux 6.5, else by mincore(2).
func cached(f *os.File, size int64) (pages int64, err error) {
	if size == 0 {
		return 0, nil
	}
	var stat unix.Cachestat_t
	if err := unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{Len: uint64(size)}, &stat, 0); err == nil {
		return int64(stat.Cache), nil
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Munmap(data) }()
	there := make([]byte, (size+int64(os.Getpagesize())-1)/int64(os.Getpagesize()))
	if err := mincore(data, there); err != nil {
		return 0, err
	}
	for _, b := range there {
		pages += int64(b & 1)
	}
	return pages, nil
}

func each(dir string, visit func(f *os.File, size int64) error) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return visit(f, info.Size())
	})
}
