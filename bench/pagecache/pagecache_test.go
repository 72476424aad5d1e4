// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package pagecache

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDrop_TakesFilesOutOfMemory(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	dir := t.TempDir()
	path := filepath.Join(dir, "weights")
	if err := os.WriteFile(path, bytes.Repeat([]byte("hoist"), size/5), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Drop(dir); err != nil {
		t.Fatal(err)
	}
	if resident, total, err := Resident(dir); err != nil || total != size || resident > total/20 {
		if onMemory(t, dir) {
			t.Skip("this folder is in memory, and its files can't leave it")
		}
		t.Errorf("%d of %d bytes are in memory after Drop, %v", resident, total, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if resident, total, err := Resident(dir); err != nil || resident != total {
		t.Errorf("%d of %d bytes are in memory after a read, %v", resident, total, err)
	}
	// Kernels before 6.5 know mincore alone.
	there := make([]byte, 1)
	if err := mincore(nil, there[:0]); err != nil {
		t.Errorf("mincore of nothing: %v", err)
	}
}

func onMemory(t *testing.T, dir string) bool {
	t.Helper()
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && st.Type == unix.TMPFS_MAGIC
}
