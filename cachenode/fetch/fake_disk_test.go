// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// disk is a Store that keeps only what differs from what should be there, and
// remembers every broken promise.
type disk struct {
	hooks

	mu        sync.Mutex
	blobs     map[cachenode.BlobID]*blob
	published map[cachenode.Revision]bool
	fillings  int // open
	broken    []string
}

// hooks are called before the store acts; nil does nothing.
type hooks struct {
	write func(f cachenode.File, off int64, how cachenode.Placement) error
	mark  func(f cachenode.File) error
	seal  func(ctx context.Context, f cachenode.File) error
}

func newDisk() *disk {
	return &disk{blobs: map[cachenode.BlobID]*blob{}, published: map[cachenode.Revision]bool{}}
}

func (d *disk) breach(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = append(d.broken, fmt.Sprintf(format, args...))
}

// check fails the test for broken promises and for what was not given back.
func (d *disk) check(t testing.TB) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.broken {
		t.Error(b)
	}
	if d.fillings != 0 {
		t.Errorf("%d fillings are still open", d.fillings)
	}
	for _, b := range d.blobs {
		if b.open {
			t.Errorf("%s is still open", b.file.Path)
		}
	}
}

// holds fails the test unless all of m is published.
func (d *disk) holds(t testing.TB, m cachenode.Manifest) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.published[m.Revision()] {
		t.Errorf("revision %s is not published", m.Revision().Short())
	}
	for _, f := range m.Files {
		if b := d.blobs[m.Blob(f)]; b == nil || !b.sealed {
			t.Errorf("%s is not sealed", f.Path)
		}
	}
}

// verifiedBytes counts what a later attempt need not fetch.
func (d *disk) verifiedBytes() (n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range d.blobs {
		for i := range b.verified {
			n += cachenode.ChunkRange(b.file.Size, i).Len
		}
	}
	return n
}

func (d *disk) Begin(_ context.Context, m cachenode.Manifest) (cachenode.Filling, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fillings++
	return &filling{d: d, m: m}, nil
}

type filling struct {
	d     *disk
	m     cachenode.Manifest
	ended bool
	open  int
}

func (g *filling) Ingest(_ context.Context, f cachenode.File) (cachenode.Ingest, error) {
	g.d.mu.Lock()
	defer g.d.mu.Unlock()
	id := g.m.Blob(f)
	b := g.d.blobs[id]
	switch {
	case g.ended:
		g.d.broken = append(g.d.broken, "Ingest after End")
		return nil, errors.New("ended")
	case b == nil:
		b = &blob{d: g.d, file: f, seed: seedOf(f), verified: map[int]uint32{}, written: map[int64]int64{}, wrong: map[int64][]byte{}}
		g.d.blobs[id] = b
	case b.sealed:
		return nil, cachenode.ErrSealed
	case b.open:
		return nil, cachenode.ErrInUse
	}
	b.open, b.filling = true, g
	g.open++
	return b, nil
}

func (g *filling) Publish(context.Context) error {
	g.d.mu.Lock()
	defer g.d.mu.Unlock()
	for _, f := range g.m.Files {
		if b := g.d.blobs[g.m.Blob(f)]; b == nil || !b.sealed {
			return cachenode.ErrIncomplete
		}
	}
	g.d.published[g.m.Revision()] = true
	return nil
}

func (g *filling) End() {
	g.d.mu.Lock()
	defer g.d.mu.Unlock()
	if g.open != 0 {
		g.d.broken = append(g.d.broken, "End while a blob is open")
	}
	if !g.ended {
		g.ended = true
		g.d.fillings--
	}
}

// blob is a file on its way; it is its own Ingest.
type blob struct {
	d       *disk
	filling *filling
	file    cachenode.File
	seed    uint64

	open, sealed bool
	verified     map[int]uint32
	written      map[int64]int64  // offset -> length, since the chunk was last missing
	wrong        map[int64][]byte // writes that differ from the file, by offset
	direct       int              // writes past the page cache
}

func (b *blob) Write(p []byte, off int64, how cachenode.Placement) error {
	if hook := b.d.write; hook != nil {
		if err := hook(b.file, off, how); err != nil {
			return err
		}
	}
	right := same(b.seed, off, p)
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	if n, twice := b.written[off]; twice && !b.filling.ended && n != 0 {
		b.d.broken = append(b.d.broken, fmt.Sprintf("%s: %d bytes at %d written twice", b.file.Path, n, off))
	}
	if !b.open {
		b.d.broken = append(b.d.broken, "Write after Close")
	}
	b.written[off] = int64(len(p))
	delete(b.wrong, off)
	if !right {
		b.wrong[off] = bytes.Clone(p)
	}
	if how == cachenode.Direct {
		b.direct++
	}
	return nil
}

func (b *blob) ReadAt(p []byte, off int64) (int, error) {
	n := max(0, min(int64(len(p)), b.file.Size-off))
	b.d.mu.Lock()
	b.read(p[:n], off)
	b.d.mu.Unlock()
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// read fills p with what is stored at off. b.d.mu is held.
func (b *blob) read(p []byte, off int64) {
	fill(b.seed, off, p)
	for at, wrong := range b.wrong {
		if from, to := max(at, off), min(at+int64(len(wrong)), off+int64(len(p))); from < to {
			copy(p[from-off:to-off], wrong[from-at:])
		}
	}
}

func (b *blob) Verified(i int) (uint32, bool) {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	crc, ok := b.verified[i]
	return crc, ok
}

func (b *blob) MarkVerified(i int, crc uint32) error {
	if hook := b.d.mark; hook != nil {
		if err := hook(b.file); err != nil {
			return err
		}
	}
	r := cachenode.ChunkRange(b.file.Size, i)
	if crc != b.crc(r) {
		b.d.breach("%s: the CRC of chunk %d is not that of the bytes on disk", b.file.Path, i)
	}
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	var n int64
	for off, length := range b.written {
		if off >= r.Off && off < r.End() {
			n += length
		}
	}
	if n != r.Len {
		b.d.broken = append(b.d.broken, fmt.Sprintf("%s: chunk %d verified with %d of %d bytes", b.file.Path, i, n, r.Len))
	}
	b.verified[i] = crc
	return nil
}

// crc is the CRC-32C of what is stored in r.
func (b *blob) crc(r cachenode.Range) (sum uint32) {
	buf, back := borrow(r.Len)
	defer back()
	for off := r.Off; off < r.End(); off += int64(len(buf)) {
		p := buf[:min(int64(len(buf)), r.End()-off)]
		_, _ = b.ReadAt(p, off)
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), p)
	}
	return sum
}

func (b *blob) Forget(i int) error {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	delete(b.verified, i)
	b.unwrite(i)
	return nil
}

// unwrite makes the bytes of chunk i missing. b.d.mu is held.
func (b *blob) unwrite(i int) {
	r := cachenode.ChunkRange(b.file.Size, i)
	for off := range b.written {
		if off >= r.Off && off < r.End() {
			delete(b.written, off)
			delete(b.wrong, off)
		}
	}
}

func (b *blob) Seal(ctx context.Context) error {
	if hook := b.d.seal; hook != nil {
		if err := hook(ctx, b.file); err != nil {
			return err
		}
	}
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	if len(b.verified) != cachenode.Chunks(b.file.Size) {
		return cachenode.ErrIncomplete
	}
	if len(b.wrong) > 0 && b.file.Source.Checksum != (cachenode.Checksum{}) {
		b.d.broken = append(b.d.broken, fmt.Sprintf("A1: %s sealed with bytes that are not the origin's", b.file.Path))
	}
	b.sealed = true
	return nil
}

func (b *blob) Close(discard bool) error {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	b.open = false
	b.filling.open--
	if discard && !b.sealed {
		clear(b.verified)
		clear(b.written)
		clear(b.wrong)
	}
	for i := range cachenode.Chunks(b.file.Size) { // a restart knows verified chunks only
		if _, ok := b.verified[i]; !ok {
			b.unwrite(i)
		}
	}
	return nil
}

// rot flips a bit of a chunk that is verified, of a blob that is not complete.
func (d *disk) rot(id cachenode.BlobID, off int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.blobs[id]
	if b == nil || b.open || b.sealed {
		return
	}
	if _, ok := b.verified[int(off/cachenode.ChunkSize)]; !ok {
		return
	}
	start := off / (4 * mib) * (4 * mib)
	buf := make([]byte, min(4*mib, b.file.Size-start))
	b.read(buf, start)
	buf[off-start] ^= 1
	if delete(b.wrong, start); !same(b.seed, start, buf) { // two flips are none
		b.wrong[start] = buf
	}
}

// size is a blob's size, 0 if it is unknown.
func (d *disk) size(id cachenode.BlobID) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b := d.blobs[id]; b != nil {
		return b.file.Size
	}
	return 0
}

// seed is what a blob that is being fetched contains.
func (d *disk) seed(id cachenode.BlobID) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.blobs[id].seed
}
