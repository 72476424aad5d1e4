// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package checksum

import (
	"crypto/sha1" //nolint:gosec // S3 offers it, and a weak checksum beats none
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

// sequential is a hash that takes bytes in order only, part by part. What comes
// too early is left for the read-back.
type sequential struct {
	newHash   func() hash.Hash
	composite bool
	ends      []int64 // offsets at which parts end
	parts     []sequentialPart
}

type sequentialPart struct {
	mu    sync.Mutex
	begin int64
	next  int64     // offset of the next byte to take
	hash  hash.Hash // nil until the first
}

func newSHA256() hash.Hash { return sha256.New() }
func newSHA1() hash.Hash   { return sha1.New() } //nolint:gosec // see above

// newGitBlob hashes as git does: the object's type and size go in front of its bytes.
// https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
func newGitBlob(parts []int64) func() hash.Hash {
	return func() hash.Hash {
		h := newSHA1()
		h.Write(fmt.Appendf(nil, "blob %d\x00", parts[0]))
		return h
	}
}

func newSequential(newHash func() hash.Hash, parts []int64, composite bool) *sequential {
	d := &sequential{newHash: newHash, composite: composite, ends: ends(parts), parts: make([]sequentialPart, len(parts))}
	for i := range d.parts {
		if i > 0 {
			d.parts[i].begin = d.ends[i-1]
		}
		d.parts[i].next = d.parts[i].begin
	}
	return d
}

func (d *sequential) add(off int64, p []byte) {
	i, _ := slices.BinarySearch(d.ends, off+1)
	for len(p) > 0 && i < len(d.parts) {
		n := min(int64(len(p)), d.ends[i]-off)
		d.parts[i].add(off, p[:n], d.newHash)
		off, p, i = off+n, p[n:], i+1
	}
}

func (s *sequentialPart) add(off int64, p []byte, newHash func() hash.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if off != s.next {
		return
	}
	if s.hash == nil {
		s.hash = newHash()
	}
	s.hash.Write(p)
	s.next += int64(len(p))
}

func (d *sequential) pending() (cachenode.Range, bool) {
	for i := range d.parts {
		d.parts[i].mu.Lock()
		next := d.parts[i].next
		d.parts[i].mu.Unlock()
		if next < d.ends[i] {
			return cachenode.Range{Off: next, Len: d.ends[i] - next}, true
		}
	}
	return cachenode.Range{}, false
}

// drop starts the parts over that r touches: a hash can't unlearn.
func (d *sequential) drop(r cachenode.Range) {
	for i := range d.parts {
		s := &d.parts[i]
		s.mu.Lock()
		if s.begin < r.End() && r.Off < d.ends[i] {
			s.next, s.hash = s.begin, nil
		}
		s.mu.Unlock()
	}
}

func (d *sequential) value() []byte {
	var sums []byte
	for i := range d.parts {
		s := &d.parts[i]
		s.mu.Lock()
		if s.hash == nil {
			s.hash = d.newHash()
		}
		sums = s.hash.Sum(sums)
		s.mu.Unlock()
	}
	if !d.composite {
		return sums
	}
	whole := d.newHash()
	whole.Write(sums)
	return whole.Sum(nil)
}
