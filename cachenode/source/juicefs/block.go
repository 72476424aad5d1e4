// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/juicedata/juicefs/pkg/meta"
)

// part is the piece of a chunk that one request reads: part of one block, or of a hole.
type part struct {
	slice meta.Slice // Id 0 is a hole
	off   int64      // in the slice
	len   int64
}

// locate finds the part that begins at byte at of a chunk. Slices follow each other
// without a gap; what is behind the last one was never written and reads as zeros.
func (v *volume) locate(slices []meta.Slice, at int64) part {
	begin := int64(0) // of the slice in the chunk
	for _, s := range slices {
		end := begin + int64(s.Len)
		if at >= end {
			begin = end
			continue
		}
		p := part{slice: s, off: int64(s.Off) + at - begin, len: end - at}
		if s.Id != 0 {
			p.len = min(p.len, v.blockSize-p.off%v.blockSize)
		}
		return p
	}
	return part{len: meta.ChunkSize - at}
}

// open streams a part.
func (v *volume) open(ctx context.Context, p part) (io.ReadCloser, error) {
	if p.slice.Id == 0 {
		return io.NopCloser(io.LimitReader(zeros{}, p.len)), nil
	}
	if p.off+p.len > int64(p.slice.Size) {
		return nil, fmt.Errorf("the metadata has a slice of %d bytes where %d are", p.slice.Size, p.off+p.len)
	}
	i, off := p.off/v.blockSize, p.off%v.blockSize
	size := min(v.blockSize, int64(p.slice.Size)-i*v.blockSize)
	key := v.key(p.slice.Id, i, size)
	if v.unpack != nil {
		return v.packed(ctx, key, off, p.len, size)
	}
	in, err := v.store.Get(ctx, key, off, p.len)
	if err != nil {
		return nil, fmt.Errorf("get the block %s: %w", key, err)
	}
	return in, nil
}

// key is the name of a block in the object store.
func (v *volume) key(id uint64, i, size int64) string {
	if v.hashed {
		return fmt.Sprintf("chunks/%02X/%d/%d_%d_%d", id%256, id/1_000_000, id, i, size)
	}
	return fmt.Sprintf("chunks/%d/%d/%d_%d_%d", id/1_000_000, id/1000, id, i, size)
}

// packed reads a whole block, of size bytes once it is decompressed.
func (v *volume) packed(ctx context.Context, key string, off, length, size int64) (io.ReadCloser, error) {
	in, err := v.store.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("get the block %s: %w", key, err)
	}
	defer in.Close()
	raw, err := io.ReadAll(io.LimitReader(in, maxBlock))
	if err != nil {
		return nil, fmt.Errorf("read the block %s: %w", key, err)
	}
	plain, err := v.unpack(raw, int(size))
	if err != nil {
		return nil, fmt.Errorf("unpack the block %s: %w", key, err)
	}
	return io.NopCloser(bytes.NewReader(plain[off : off+length])), nil
}

// zeros is a hole.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
