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

import "hash/crc32"

// Chunk is the CRC-32C (Castagnoli) of p, as stores record it for each chunk.
func Chunk(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

// Combine32C is the CRC-32C of two byte strings one behind the other, from the
// CRC-32C of each and the length in bytes of the second.
func Combine32C(a, b uint32, lenB int64) uint32 {
	return uint32(crc32c.combine(uint64(a), uint64(b), lenB))
}
