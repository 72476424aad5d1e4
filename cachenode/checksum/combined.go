// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package checksum

import (
	"cmp"
	"slices"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

// combined is a CRC put together from the CRCs of segments.
type combined struct {
	crc       *crc
	parts     []int64 // offsets at which parts end
	composite bool

	mu       sync.Mutex
	segments []segment // sorted by offset, without overlaps, none across a part's end
	whole    int       // segments[:whole] have no gap before or between them
}

// segment is a piece of the object and its CRC.
type segment struct {
	off, len int64
	sum      uint64
}

func (s segment) end() int64 { return s.off + s.len }

func newCombined(c *crc, parts []int64, composite bool) *combined {
	return &combined{crc: c, parts: ends(parts), composite: composite}
}

// ends turns sizes into the offsets at which they end.
func ends(sizes []int64) []int64 {
	out := make([]int64, len(sizes))
	var at int64
	for i, n := range sizes {
		at += n
		out[i] = at
	}
	return out
}

func (d *combined) add(off int64, p []byte) {
	part, _ := slices.BinarySearch(d.parts, off+1)
	for len(p) > 0 && part < len(d.parts) {
		n := min(int64(len(p)), d.parts[part]-off)
		s := segment{off, n, d.crc.sum(p[:n])} // outside the lock: this is the work
		d.mu.Lock()
		if at := d.search(off); d.fits(at, s) {
			d.segments = slices.Insert(d.segments, at, s)
		}
		d.mu.Unlock()
		off, p, part = off+n, p[n:], part+1
	}
}

// search is the index of the first segment that does not begin before off. d.mu is held.
func (d *combined) search(off int64) int {
	at, _ := slices.BinarySearchFunc(d.segments, off, func(s segment, off int64) int { return cmp.Compare(s.off, off) })
	return at
}

// fits reports whether s shares no byte with a segment that is there already: the CRC
// of a part of s is not known, so what is new in it stays pending. d.mu is held.
func (d *combined) fits(at int, s segment) bool {
	return (at == 0 || d.segments[at-1].end() <= s.off) && (at == len(d.segments) || s.end() <= d.segments[at].off)
}

func (d *combined) pending() (cachenode.Range, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var end int64
	if d.whole > 0 {
		end = d.segments[d.whole-1].end()
	}
	for ; d.whole < len(d.segments); d.whole++ {
		next := d.segments[d.whole]
		if next.off > end {
			return cachenode.Range{Off: end, Len: next.off - end}, true
		}
		end = next.end()
	}
	size := d.parts[len(d.parts)-1]
	return cachenode.Range{Off: end, Len: size - end}, end < size
}

func (d *combined) drop(r cachenode.Range) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.segments = slices.DeleteFunc(d.segments, func(s segment) bool { return s.off < r.End() && r.Off < s.end() })
	d.whole = 0
}

func (d *combined) value() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	var sums []byte // of the parts
	rest := d.segments
	for _, end := range d.parts {
		var sum uint64
		for len(rest) > 0 && rest[0].off < end {
			sum = d.crc.combine(sum, rest[0].sum, rest[0].len)
			rest = rest[1:]
		}
		sums = append(sums, d.crc.bytes(sum)...)
	}
	if d.composite {
		return d.crc.bytes(d.crc.sum(sums))
	}
	return sums
}
