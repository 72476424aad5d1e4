// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"context"
	"fmt"
	"io"

	"github.com/juicedata/juicefs/pkg/meta"
)

// fill reads len(p) bytes of a chunk, from the byte at on. Slices follow each other
// without a gap; what is behind the last one was never written and reads as zeros.
func (v *volume) fill(ctx context.Context, slices []meta.Slice, p []byte, at int64) error {
	begin := int64(0) // of the slice in the chunk
	for _, s := range slices {
		end := begin + int64(s.Len)
		if len(p) == 0 {
			return nil
		}
		if at < end {
			n := min(end-at, int64(len(p)))
			if err := v.slice(ctx, s, p[:n], int64(s.Off)+at-begin); err != nil {
				return err
			}
			p, at = p[n:], at+n
		}
		begin = end
	}
	clear(p)
	return nil
}

// slice reads from one write, from its byte off on, block by block.
func (v *volume) slice(ctx context.Context, s meta.Slice, p []byte, off int64) error {
	if s.Id == 0 { // a hole
		clear(p)
		return nil
	}
	if off+int64(len(p)) > int64(s.Size) {
		return fmt.Errorf("the metadata has a slice of %d bytes where %d are", s.Size, off+int64(len(p)))
	}
	for len(p) > 0 {
		i := off / v.blockSize
		size := min(v.blockSize, int64(s.Size)-i*v.blockSize)
		n := min(size-off%v.blockSize, int64(len(p)))
		if err := v.block(ctx, v.key(s.Id, i, size), p[:n], off%v.blockSize, size); err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}

// key is the name of a block in the object store.
func (v *volume) key(id uint64, i, size int64) string {
	if v.hashed {
		return fmt.Sprintf("chunks/%02X/%d/%d_%d_%d", id%256, id/1_000_000, id, i, size)
	}
	return fmt.Sprintf("chunks/%d/%d/%d_%d_%d", id/1_000_000, id/1000, id, i, size)
}

// block reads part of a block of size bytes.
func (v *volume) block(ctx context.Context, key string, p []byte, off, size int64) error {
	if v.unpack != nil {
		return v.packed(ctx, key, p, off, size)
	}
	in, err := v.store.Get(ctx, key, off, int64(len(p)))
	if err != nil {
		return fmt.Errorf("get the block %s: %w", key, err)
	}
	defer in.Close()
	if _, err := io.ReadFull(in, p); err != nil {
		return fmt.Errorf("read the block %s: %w", key, err)
	}
	return nil
}

func (v *volume) packed(ctx context.Context, key string, p []byte, off, size int64) error {
	in, err := v.store.Get(ctx, key, 0, -1)
	if err != nil {
		return fmt.Errorf("get the block %s: %w", key, err)
	}
	defer in.Close()
	raw, err := io.ReadAll(io.LimitReader(in, maxBlock))
	if err != nil {
		return fmt.Errorf("read the block %s: %w", key, err)
	}
	plain, err := v.unpack(raw, int(size))
	if err != nil {
		return fmt.Errorf("unpack the block %s: %w", key, err)
	}
	copy(p, plain[off:])
	return nil
}
