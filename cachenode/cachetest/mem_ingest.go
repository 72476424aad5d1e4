// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

// memIngest is a blob on its way into a MemStore.
type memIngest struct {
	mu     *sync.Mutex // the store's: guards blob and closed
	blob   *memBlob
	closed bool
}

var _ cachenode.Ingest = (*memIngest)(nil)

// ReadAt reads back what was written.
func (in *memIngest) ReadAt(p []byte, off int64) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if off < 0 {
		return 0, in.fault("read", cachenode.ErrInvalid, fmt.Errorf("offset %d", off))
	}
	n := copy(p, in.blob.data[min(off, in.blob.size):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Write stores p at off. Memory knows one placement.
func (in *memIngest) Write(p []byte, off int64, _ cachenode.Placement) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.writable("write"); err != nil {
		return err
	}
	if off < 0 || off > in.blob.size-int64(len(p)) {
		return in.fault("write", cachenode.ErrInvalid, fmt.Errorf("%d bytes at %d of %d", len(p), off, in.blob.size))
	}
	copy(in.blob.data[off:], p)
	return nil
}

// Verified returns the CRC-32C of chunk i if it is verified.
func (in *memIngest) Verified(i int) (uint32, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	crc, ok := in.blob.verified[i]
	return crc, ok
}

// MarkVerified records chunk i, if its bytes have that CRC-32C.
func (in *memIngest) MarkVerified(i int, crc32c uint32) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.writable("mark"); err != nil {
		return err
	}
	if i < 0 || i >= cachenode.Chunks(in.blob.size) {
		return in.fault("mark", cachenode.ErrInvalid, fmt.Errorf("chunk %d of %d", i, cachenode.Chunks(in.blob.size)))
	}
	r := cachenode.ChunkRange(in.blob.size, i)
	if got := crc32.Checksum(in.blob.data[r.Off:r.End()], crc32.MakeTable(crc32.Castagnoli)); got != crc32c {
		return in.fault("mark", cachenode.ErrCorrupt, fmt.Errorf("chunk %d has CRC-32C %08x, not %08x", i, got, crc32c))
	}
	in.blob.verified[i] = crc32c
	return nil
}

// Forget takes back that chunk i is verified.
func (in *memIngest) Forget(i int) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.writable("forget"); err != nil {
		return err
	}
	delete(in.blob.verified, i)
	return nil
}

// Seal makes the blob immutable.
func (in *memIngest) Seal(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.writable("seal"); err != nil {
		return err
	}
	if have, want := len(in.blob.verified), cachenode.Chunks(in.blob.size); have < want {
		return in.fault("seal", cachenode.ErrIncomplete, fmt.Errorf("%d of %d chunks are verified", have, want))
	}
	in.blob.sealed = true
	return nil
}

// Close ends the ingest.
func (in *memIngest) Close(discard bool) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return nil
	}
	in.closed, in.blob.open = true, false
	if discard && !in.blob.sealed {
		in.blob.data = nil
		clear(in.blob.verified)
	}
	return nil
}

// writable is nil until the blob is sealed or the ingest closed. in.mu is held.
func (in *memIngest) writable(op string) error {
	switch {
	case in.closed:
		return in.fault(op, cachenode.ErrInvalid, errors.New("the ingest is closed"))
	case in.blob.sealed:
		return in.fault(op, cachenode.ErrSealed, nil)
	}
	return nil
}

func (in *memIngest) fault(op string, kind, why error) error {
	return &cachenode.Error{Kind: kind, Op: op, Subject: "blob", Err: why}
}
