// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// load does what the default loader of an inference server does with a folder of
// safetensors: it maps every file read-only and touches each page in order. It
// returns how long that took.
func load(ctx context.Context, dir string) (time.Duration, error) {
	start := time.Now()
	err := eachWeight(dir, func(path string) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return touch(path)
	})
	return time.Since(start), err
}

func eachWeight(dir string, visit func(path string) error) error {
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".safetensors" {
			return err
		}
		seen++
		return visit(path)
	})
	if err == nil && seen == 0 {
		return fmt.Errorf("no safetensors in %s", dir)
	}
	return err
}

func touch(path string) error {
	return withFile(path, func(f *os.File, size int64) error {
		pages, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return fmt.Errorf("map %s: %w", path, err)
		}
		var sum byte
		for i := 0; i < len(pages); i += 4096 {
			sum += pages[i]
		}
		runtime.KeepAlive(sum)
		return unix.Munmap(pages)
	})
}

func withFile(path string, use func(f *os.File, size int64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return use(f, info.Size())
}
