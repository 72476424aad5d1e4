// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package warm brings files into the page cache, where loaders find them at the speed of memory, and says how much of them is there.
package warm

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Dir reads every file below dir that is not wholly in the page cache, in order of names as loaders do, and returns how many bytes
// of them are there afterwards. Memory is the kernel's to give and to take: nothing is locked, and under pressure pages go again.
func Dir(ctx context.Context, dir string) (resident int64, err error) {
	err = walk(dir, func(file *os.File, size int64) error {
		there, err := residentBytes(file, size)
		for _, read := range []func(context.Context, *os.File, int64) error{ahead, await} {
			if err == nil && there < size {
				if err = read(ctx, file, size); err == nil {
					there, err = residentBytes(file, size)
				}
			}
		}
		resident += there
		return err
	})
	return resident, err
}

// Resident is how many bytes of the files below dir are in the page cache.
func Resident(dir string) (resident int64, err error) {
	err = walk(dir, func(file *os.File, size int64) error {
		there, err := residentBytes(file, size)
		resident += there
		return err
	})
	return resident, err
}

func walk(dir string, do func(file *os.File, size int64) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file, err := root.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil || info.Size() == 0 {
			return err
		}
		return do(file, info.Size())
	})
}

// Available is what processes can take of memory before the kernel has to swap or to drop what is in use, in bytes: MemAvailable
// of /proc/meminfo, which counts the page cache as free.
func Available() (int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	return parseAvailable(string(text))
}

func parseAvailable(text string) (int64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("/proc/meminfo has no MemAvailable: it needs Linux 3.14")
}
