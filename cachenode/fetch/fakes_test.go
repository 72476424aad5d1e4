// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	kib = int64(1) << 10
	mib = int64(1) << 20
)

// The fakes of this file hold no bytes: what a file contains at an offset is a
// function of its seed, so gigabytes cost nothing but the time to compare them.

const page = 4096

var template = func() (t [page]byte) {
	for i := range t {
		t[i] = byte(i*i>>3 ^ i*167)
	}
	return t
}()

// fill puts the bytes at off of the file with a seed into p.
func fill(seed uint64, off int64, p []byte) {
	for len(p) > 0 {
		number, from := off/page, off%page
		n := copy(p, template[from:])
		if from == 0 && n >= 16 {
			binary.LittleEndian.PutUint64(p, seed)
			binary.LittleEndian.PutUint64(p[8:], uint64(number))
		} else if from < 16 {
			var stamp [16]byte
			binary.LittleEndian.PutUint64(stamp[:], seed)
			binary.LittleEndian.PutUint64(stamp[8:], uint64(number))
			copy(p[:n], stamp[from:])
		}
		p, off = p[n:], off+int64(n)
	}
}

var scratch = sync.Pool{New: func() any { b := make([]byte, 4*mib); return &b }}

// same reports whether p is what the file holds at off.
func same(seed uint64, off int64, p []byte) bool {
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	for part := range slices.Chunk(p, len(*buf)) {
		want := (*buf)[:len(part)]
		fill(seed, off, want)
		if !bytes.Equal(want, part) {
			return false
		}
		off += int64(len(part))
	}
	return true
}

// file is a file of a model: its seed is its ETag.
func file(path string, size int64, seed uint64) cachenode.File {
	return cachenode.File{Path: path, Size: size, Source: cachenode.Identity{Key: path, ETag: fmt.Sprintf("%q", fmt.Sprint(seed)), Checksum: crcOf(seed, size)}}
}

func seedOf(f cachenode.File) (seed uint64) {
	if _, err := fmt.Sscanf(f.Source.ETag, "\"%d\"", &seed); err != nil {
		panic(err)
	}
	return seed
}

// crcOf is the CRC-32C that an origin would tell.
func crcOf(seed uint64, size int64) cachenode.Checksum {
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	sum, table := uint32(0), crc32.MakeTable(crc32.Castagnoli)
	for off := int64(0); off < size; off += int64(len(*buf)) {
		p := (*buf)[:min(int64(len(*buf)), size-off)]
		fill(seed, off, p)
		sum = crc32.Update(sum, table, p)
	}
	return cachenode.Checksum{Algorithm: "CRC32C", Value: base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))}
}

func manifest(files ...cachenode.File) cachenode.Manifest {
	m, err := cachenode.NewManifest(cachenode.Origin{Scheme: "s3", Bucket: "models", Prefix: "m/"}, files)
	if err != nil {
		panic(err)
	}
	return m
}

// origin is a Source that answers as its script says.
type origin struct {
	// script may fail a request, or replace the stream that answers it.
	script func(q *request) error
	// resolve answers Resolve.
	resolve func() (cachenode.Manifest, error)

	mu       sync.Mutex
	requests []*request
	tries    map[string]int
	open     int
	peak     int // most requests open at once
	bytes    int64
}

// request is one call of Open.
type request struct {
	ctx   context.Context
	file  cachenode.File
	at    cachenode.Range
	nth   int // of this file and chunk, from 1
	order int // of all, from 0
	open  int // requests open, this one included
	body  io.Reader
	done  bool
}

func (q *request) chunk() int     { return int(q.at.Off / cachenode.ChunkSize) }
func (q *request) String() string { return fmt.Sprintf("%s#%d", q.file.Path, q.chunk()) }

func (o *origin) Resolve(context.Context, cachenode.Ref, cachenode.Selection) (cachenode.Manifest, error) {
	return o.resolve()
}

func (o *origin) Open(ctx context.Context, _ cachenode.Origin, f cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	q := &request{ctx: ctx, file: f, at: r, body: &generator{seed: seedOf(f), off: r.Off, end: r.End()}}
	o.mu.Lock()
	if o.tries == nil {
		o.tries = map[string]int{}
	}
	o.tries[q.String()]++
	q.nth = o.tries[q.String()]
	q.order = len(o.requests)
	o.requests = append(o.requests, q)
	o.open++
	q.open = o.open
	o.peak = max(o.peak, o.open)
	o.mu.Unlock()
	if o.script != nil {
		if err := o.script(q); err != nil {
			o.leave(q)
			return nil, err
		}
	}
	return &answer{o, q}, nil
}

func (o *origin) leave(q *request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !q.done {
		q.done = true
		o.open--
	}
}

// calls counts the requests, and those for chunk i of a path.
func (o *origin) calls() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.requests)
}

// log lists requests as "path#chunk", in order.
func (o *origin) log() (l []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, q := range o.requests {
		l = append(l, q.String())
	}
	return l
}

func (o *origin) received() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes
}

type answer struct {
	o *origin
	q *request
}

func (a *answer) Read(p []byte) (int, error) {
	if err := a.q.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := a.q.body.Read(p)
	a.o.mu.Lock()
	a.o.bytes += int64(n)
	a.o.mu.Unlock()
	return n, err
}

func (a *answer) Close() error {
	a.o.leave(a.q)
	return nil
}

// generator reads a file from off to end.
type generator struct {
	seed     uint64
	off, end int64
}

func (g *generator) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), g.end-g.off)]
	if len(p) == 0 {
		return 0, io.EOF
	}
	fill(g.seed, g.off, p)
	g.off += int64(len(p))
	return len(p), nil
}

// slow passes bytes at a rate, in steps.
type slow struct {
	ctx            context.Context
	in             io.Reader
	bytesPerSecond int64
}

func (s *slow) Read(p []byte) (int, error) {
	n, err := s.in.Read(p[:min(int64(len(p)), max(s.bytesPerSecond/20, 1))])
	if wait(s.ctx, time.Duration(float64(n)/float64(s.bytesPerSecond)*float64(time.Second))) != nil {
		return 0, s.ctx.Err()
	}
	return n, err
}

// hung never answers until it is called off.
type hung struct{ ctx context.Context }

func (h hung) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

// flipped flips one bit of a stream.
type flipped struct {
	in io.Reader
	at int64 // byte, counted down
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.in.Read(p)
	if f.at >= 0 && f.at < int64(n) {
		p[f.at] ^= 0x10
	}
	f.at -= int64(n)
	return n, err
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

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
	buf := make([]byte, r.Len)
	if _, err := b.ReadAt(buf, r.Off); err != nil {
		return err
	}
	if crc != crc32.Checksum(buf, crc32.MakeTable(crc32.Castagnoli)) {
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

// scheduler makes one that is closed with the test.
func scheduler(t testing.TB, c fetch.Config) *fetch.Scheduler {
	t.Helper()
	s, err := fetch.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// counter is an Observer that counts.
type counter struct {
	mu       sync.Mutex
	received map[string]int64
	fetched  map[string]int
	retried  map[error]int
	hedged   int
	limits   []int
}

func newCounter() *counter {
	return &counter{received: map[string]int64{}, fetched: map[string]int{}, retried: map[error]int{}}
}

func (c *counter) count(what func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what()
}

func (c *counter) Received(origin string, n int64)        { c.count(func() { c.received[origin] += n }) }
func (c *counter) Fetched(origin string, _ time.Duration) { c.count(func() { c.fetched[origin]++ }) }
func (c *counter) Retried(kind error)                     { c.count(func() { c.retried[kind]++ }) }
func (c *counter) Hedged()                                { c.count(func() { c.hedged++ }) }
func (c *counter) LimitChanged(n int)                     { c.count(func() { c.limits = append(c.limits, n) }) }
func (c *counter) lowest() int                            { return slices.Min(c.limits) }

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
