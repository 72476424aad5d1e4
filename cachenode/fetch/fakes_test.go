// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
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

var scratch = sync.Pool{New: func() any { b := make([]byte, mib); return &b }}

// borrow lends a buffer of at most n bytes and 1 MiB.
func borrow(n int64) (buf []byte, back func()) {
	if n <= page {
		return make([]byte, n), func() {}
	}
	b := scratch.Get().(*[]byte)
	return (*b)[:min(n, mib)], func() { scratch.Put(b) }
}

// same reports whether p is what the file holds at off.
func same(seed uint64, off int64, p []byte) bool {
	buf, back := borrow(int64(len(p)))
	defer back()
	for part := range slices.Chunk(p, max(len(buf), 1)) {
		want := buf[:len(part)]
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
	buf, back := borrow(size)
	defer back()
	sum, table := uint32(0), crc32.MakeTable(crc32.Castagnoli)
	for off := int64(0); off < size; off += int64(len(buf)) {
		p := buf[:min(int64(len(buf)), size-off)]
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
