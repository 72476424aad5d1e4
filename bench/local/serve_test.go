// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/bench/pagecache"
)

func TestRate_TheDiskLimitsOnlyWhatIsNotInMemory(t *testing.T) {
	t.Parallel()
	const size, disk, gpu = 4 << 20, 1000, 50_000
	b := &bench{Config: Config{Disk: disk, GPU: gpu}, work: t.TempDir()}
	s := &scenario{folder: "initializer", fetch: func(*bench, context.Context, string) error { return nil }}
	folder := b.dir(s.folder)
	wantRate := func(what string, want int64) {
		t.Helper()
		if got, err := b.rate(s); err != nil || got != want {
			t.Errorf("%s loads at %d bytes a second, %v; want %d", what, got, err, want)
		}
	}
	write := func(name string) {
		if err := os.WriteFile(filepath.Join(folder, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write("downloaded")
	wantRate("what a download has left in memory", gpu)

	var st unix.Statfs_t
	if unix.Statfs(folder, &st) == nil && st.Type == unix.TMPFS_MAGIC {
		t.Skip("this folder is in memory, and its files can't leave it")
	}
	if err := pagecache.Drop(folder); err != nil {
		t.Fatal(err)
	}
	wantRate("what is on the disk", disk)
	write("half")
	wantRate("what is in memory by half", 2*disk)

	b.Disk = 0
	wantRate("what no disk limits", gpu)
	b.Disk, b.GPU = disk, 0
	wantRate("what nothing but the disk limits", 2*disk)
}

// A mount has nothing in memory at first, and a look at its files would be work for the peer.
func TestRate_OfAMountIsTheDisks(t *testing.T) {
	t.Parallel()
	b := &bench{Config: Config{Disk: 1000, GPU: 50_000}, work: filepath.Join(t.TempDir(), "not there")}
	if got, err := b.rate(&scenario{folder: peerFolder, peer: &rclone}); err != nil || got != 1000 {
		t.Errorf("%d bytes a second, %v", got, err)
	}
}
