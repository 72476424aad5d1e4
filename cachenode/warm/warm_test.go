// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package warm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// cold writes files of these sizes and drops their pages. It skips where the file system keeps them, as tmpfs does.
func cold(t *testing.T, sizes map[string]int64) (dir string, total int64) {
	t.Helper()
	dir = t.TempDir()
	for name, size := range sizes {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(file.Sync(), unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED), file.Close()); err != nil {
			t.Fatal(err)
		}
		total += size
	}
	resident, err := Resident(dir)
	if err != nil {
		t.Fatal(err)
	}
	if resident > total/10 {
		t.Skipf("the file system keeps %d of %d bytes in memory", resident, total)
	}
	return dir, total
}

func TestDir_BringsEveryFileIntoThePageCache(t *testing.T) {
	t.Parallel()
	dir, total := cold(t, map[string]int64{"model-1.safetensors": 200<<20 + 5, "sub/config.json": 3, "empty": 0})
	resident, err := Dir(t.Context(), dir)
	if err != nil || resident != total {
		t.Errorf("%d of %d bytes are there, %v", resident, total, err)
	}
	if again, err := Resident(dir); err != nil || again != total {
		t.Errorf("looked at again, %d of %d bytes are there, %v", again, total, err)
	}
}

// Each half brings a file by itself: on an old kernel there is but the first.
func TestHalves_EachBringAFile(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(context.Context, *os.File, int64) error{"ahead": ahead, "await": await} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE); name == "await" && (err != nil || unix.Madvise(page, unix.MADV_POPULATE_READ) != nil) {
				t.Skip("the kernel has no MADV_POPULATE_READ: it needs Linux 5.14")
			}
			dir, total := cold(t, map[string]int64{"a": 40<<20 + 5})
			file, err := os.Open(filepath.Join(dir, "a"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if err := read(t.Context(), file, total); err != nil {
				t.Fatal(err)
			}
			if there, err := Resident(dir); err != nil || there < total*9/10 {
				t.Errorf("%d of %d bytes are there, %v", there, total, err)
			}
		})
	}
}

func TestResident_ReadsNothing(t *testing.T) {
	t.Parallel()
	dir, _ := cold(t, map[string]int64{"a": 8 << 20})
	before, err := Resident(dir)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := Resident(dir); err != nil || after != before {
		t.Errorf("looking brought %d bytes into memory, %v", after-before, err)
	}
}

func TestDir_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir, _ := cold(t, map[string]int64{"a": 32 << 20})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Dir(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

func TestParseAvailable_ReadsWhatTheKernelWrites(t *testing.T) {
	t.Parallel()
	if got, err := parseAvailable("MemTotal:  100 kB\nMemAvailable:    2048 kB\n"); err != nil || got != 2<<20 {
		t.Errorf("%d, %v", got, err)
	}
	for _, text := range []string{"", "MemAvailable: many kB\n"} {
		if _, err := parseAvailable(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
	if got, err := Available(); err != nil || got <= 0 {
		t.Errorf("this computer has %d, %v", got, err)
	}
}
