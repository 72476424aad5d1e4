// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/warm"
)

// cool leases the model and drops its pages. It skips where the file system keeps them, as tmpfs does.
func (b bench) cool() agent.Lease {
	b.t.Helper()
	lease, err := b.acquire(b.want("llama", b.origin))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range []string{"config.json", "tokenizer.json"} {
		file, err := os.Open(filepath.Join(lease.Path, name))
		if err != nil {
			b.t.Fatal(err)
		}
		if err := errors.Join(unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED), file.Close()); err != nil {
			b.t.Fatal(err)
		}
	}
	if there := b.resident(lease); there > llamaBytes/10 {
		b.t.Skipf("the file system keeps %d of %d bytes in memory", there, llamaBytes)
	}
	return lease
}

const llamaBytes = 2 + 1<<20

func (b bench) resident(l agent.Lease) int64 {
	b.t.Helper()
	there, err := warm.Resident(l.Path)
	if err != nil {
		b.t.Fatal(err)
	}
	return there
}

func TestAhead_ReadsWhatAPodMounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.ReadAhead = true
		lease := b.Ahead(b.cool())
		defer lease.Release()
		synctest.Wait()
		if there := b.resident(lease); there != llamaBytes {
			t.Errorf("%d of %d bytes are in memory", there, llamaBytes)
		}
	})
}

// It is left out where nobody asked for it, and ends with the node; the lease is given back with the one that it returns.
func TestAhead_CanBeLeftOut(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]bool{"the node ends": true, "not asked for": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				lease := b.cool()
				if b.ReadAhead = asked; asked {
					b.Close() // the reading ends before it begins
				}
				read := b.Ahead(lease)
				synctest.Wait()
				if there := b.resident(lease); there > llamaBytes/10 {
					t.Errorf("%d of %d bytes are in memory", there, llamaBytes)
				}
				read.Release()
				if err := b.Store.Evict(lease.Revision); err != nil {
					t.Errorf("a lease is left: %v", err)
				}
			})
		})
	}
}

// It takes four fifths of the memory that is available, and none where nobody knows how much that is.
func TestAhead_LeavesMemoryToOthers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		beyond int64 // what reading needs
		err    error
		reads  bool
	}{
		"enough":    {1, nil, true},
		"too short": {-1, nil, false},
		"not known": {1 << 40, errors.New("no /proc"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				lease := b.cool()
				needs := (llamaBytes - b.resident(lease)) * 5 / 4
				b.ReadAhead, b.Available = true, func() (int64, error) { return needs + row.beyond, row.err }
				lease = b.Ahead(lease)
				defer lease.Release()
				synctest.Wait()
				if there := b.resident(lease); (there == llamaBytes) != row.reads {
					t.Errorf("%d of %d bytes are in memory", there, llamaBytes)
				}
			})
		})
	}
}
