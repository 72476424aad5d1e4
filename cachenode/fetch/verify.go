// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

// resume takes over the chunks that an earlier attempt verified, and judges the
// head of the file if it is among them.
func (f *flight) resume() error {
	for i := range f.chunks {
		if _, ok := f.ingest.Verified(i); ok {
			n := f.chunks[i].span().Len
			f.s.locked(f.chunks[i].verify)
			f.present.Add(n)
			f.cached.Add(n)
		}
	}
	switch {
	case f.inspector == nil:
		return nil
	case f.file.Size == 0:
		return f.head(nil)
	case f.chunks[0].state != verified:
		return nil // the hot path will
	}
	return f.withBuffer(func(buf []byte) error {
		at := f.chunks[0].piece(0)
		if err := f.readBack(buf[:at.Len], at.Off); err != nil {
			return err
		}
		return f.head(buf[:at.Len])
	})
}

// verify compares the blob with its checksum. What the checksum has not seen yet,
// because an earlier attempt fetched it, is read back from disk. A mismatch is
// ErrCorrupt.
func (f *flight) verify() error {
	if _, ok := f.object.Pending(); ok {
		if err := f.withBuffer(f.catchUp); err != nil {
			return err
		}
	}
	return f.object.Verify()
}

// catchUp reads back the next piece while the checksum takes the last.
func (f *flight) catchUp(buf []byte) error {
	half := len(buf) / 2
	hashed, filled := buf[:half], buf[half:2*half]
	for {
		r, ok := f.object.Pending()
		if !ok {
			return nil
		}
		var previous []byte
		for at := r.Off; at < r.End() || len(previous) > 0; {
			next := filled[:min(r.End()-at, int64(half))]
			read := make(chan error, 1)
			go func() { read <- f.readBack(next, at) }()
			f.object.Add(at-int64(len(previous)), previous)
			if err := <-read; err != nil {
				return err
			}
			at += int64(len(next))
			previous, hashed, filled = next, filled, hashed
		}
	}
}

// forget makes the chunks missing that bad, an ErrCorrupt, speaks of. Where the disk
// does not hold what was written to it, those chunks alone are at fault.
func (f *flight) forget(bad error) error {
	suspects := f.suspects(bad)
	var rotten []*chunk
	err := f.withBuffer(func(buf []byte) error {
		for _, c := range suspects {
			if crc, err := f.crcOnDisk(c, buf); err != nil {
				return err
			} else if recorded, _ := f.ingest.Verified(c.index); crc != recorded {
				rotten = append(rotten, c)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(rotten) > 0 {
		suspects = rotten
	}
	for _, c := range suspects {
		if err := f.ingest.Forget(c.index); err != nil {
			return err
		}
		f.object.Drop(c.span())
		f.present.Add(-c.span().Len)
		f.s.locked(c.reset)
	}
	return nil
}

// suspects are the chunks that hold a byte of a mismatch, all if it does not say.
func (f *flight) suspects(bad error) []*chunk {
	ranges := []cachenode.Range{{Len: f.file.Size}}
	if mismatch, ok := errors.AsType[*checksum.Mismatch](bad); ok {
		ranges = mismatch.Ranges
	}
	var found []*chunk
	next := 0
	for _, r := range ranges {
		first, end := cachenode.ChunksOf(f.file.Size, r)
		for i := max(first, next); i < end; i++ {
			found = append(found, &f.chunks[i])
		}
		next = max(next, end)
	}
	return found
}

// crcOnDisk is the CRC-32C of what the disk returns for c.
func (f *flight) crcOnDisk(c *chunk, buf []byte) (uint32, error) {
	var sum uint32
	for i := range c.pieces() {
		at := c.piece(i)
		if err := f.readBack(buf[:at.Len], at.Off); err != nil {
			return 0, err
		}
		sum = checksum.Combine32C(sum, checksum.Chunk(buf[:at.Len]), at.Len)
	}
	return sum, nil
}

// withBuffer lends use a buffer. Few flights at a time read back, so that the others
// keep their connections.
func (f *flight) withBuffer(use func(buf []byte) error) error {
	select {
	case f.s.readers <- struct{}{}:
		defer func() { <-f.s.readers }()
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
	buf, err := f.s.pool.get(f.ctx)
	if err != nil {
		return err
	}
	defer f.s.pool.put(buf)
	return use(buf)
}

// readBack reads len(p) bytes at off from disk, unless the flight is over.
func (f *flight) readBack(p []byte, off int64) error {
	if f.over() {
		return context.Cause(f.ctx)
	}
	if n, err := f.ingest.ReadAt(p, off); n < len(p) {
		return fmt.Errorf("read back %s at %d: %w", f.file.Path, off, err)
	}
	return nil
}
