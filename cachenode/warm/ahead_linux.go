// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package warm

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/cachenode"
)

const (
	// block is what is on its way together, in bytes: one chunk of the cache.
	block = 16 << 20
	// blocks are on their way at a time. Submitting takes a CPU, too: one keeps no more than 4 GB/s on their way.
	blocks = 4
	// step is what the kernel is asked for at a time, in bytes. Of more it would read but the beginning: it goes no further than the device's
	// read-ahead, 128 KiB where nobody changed it, or its largest request, whichever is more (force_page_cache_ra in mm/readahead.c).
	step = 128 << 10
)

// ahead reads a file into the page cache: all of it is there afterwards, or about to be. The kernel is asked to read (posix_fadvise(2),
// POSIX_FADV_WILLNEED), so that nothing is copied to this process.
func ahead(ctx context.Context, file *os.File, size int64) error {
	return inBlocks(ctx, file, size, func(at, end int64) error {
		for off := at; off < end; off += step {
			if err := unix.Fadvise(int(file.Fd()), off, min(step, end-off), unix.FADV_WILLNEED); err != nil {
				return err
			}
		}
		var last [1]byte
		for off := at; off < end; off += step { // so that no more than the blocks are on their way
			if _, err := file.ReadAt(last[:], min(off+step, end)-1); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
		return nil
	})
}

// await waits for what is on its way of a file, and reads what is not. Before Linux 5.14 it does nothing.
func await(ctx context.Context, file *os.File, size int64) error {
	return inBlocks(ctx, file, size, func(at, end int64) error {
		data, err := unix.Mmap(int(file.Fd()), at, int(end-at), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return err
		}
		err = unix.Madvise(data, unix.MADV_POPULATE_READ)
		if errors.Is(err, unix.EINVAL) {
			err = nil
		}
		return errors.Join(err, unix.Munmap(data))
	})
}

func inBlocks(ctx context.Context, file *os.File, size int64, do func(at, end int64) error) error {
	var group errgroup.Group
	group.SetLimit(blocks)
	for at := int64(0); at < size && ctx.Err() == nil; at += block {
		group.Go(func() error { return do(at, min(at+block, size)) })
	}
	if err := group.Wait(); err != nil {
		return &cachenode.Error{Kind: cachenode.ErrDisk, Op: "warm", Subject: file.Name(), Err: err}
	}
	return ctx.Err()
}
