// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package checksum tells whether bytes are the bytes that were meant.
//
// Two questions, two answers. At rest, each chunk has a CRC-32C ([Chunk]): it finds
// bit rot and torn writes and costs nothing (22 GB/s a core). Against the origin,
// an [Object] compares a whole blob with the checksum that the bucket keeps, while
// the bytes arrive, in any order: CRCs of pieces are combined instead of reading
// the object a second time.
//
// CRCs find accidents, not forgery: they never decide whether bytes of another
// node may be trusted.
package checksum

import (
	"hash/crc32"
	"io"
)

// Chunk is the CRC-32C (Castagnoli) of p, as stores record it for each chunk.
func Chunk(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

// Combine32C is the CRC-32C of two byte strings one behind the other, from the
// CRC-32C of each and the length in bytes of the second.
func Combine32C(a, b uint32, lenB int64) uint32 {
	return uint32(crc32c.combine(uint64(a), uint64(b), lenB))
}

// Reader computes the CRC-32C of what is read through it, while the bytes are still
// in the CPU's cache.
type Reader struct {
	R   io.Reader
	crc uint32
}

// Read reads from R.
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.R.Read(p)
	r.crc = crc32.Update(r.crc, castagnoli, p[:n])
	return n, err //nolint:wrapcheck // the caller looks at it
}

// Take returns the CRC-32C of what was read since the last Take.
func (r *Reader) Take() uint32 {
	sum := r.crc
	r.crc = 0
	return sum
}
