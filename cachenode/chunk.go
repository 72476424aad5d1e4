// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

// ChunkSize is the unit of progress, verification and repair, in bytes. 16 MiB
// is large enough that requests per second never throttle a fleet before its
// bandwidth does, and small enough to fetch again without regret.
const ChunkSize = 16 << 20

// Range is Len bytes from Off.
type Range struct{ Off, Len int64 }

// End is the offset behind the last byte.
func (r Range) End() int64 { return r.Off + r.Len }

// Chunks is the number of chunks of a blob of size bytes; an empty blob has none.
func Chunks(size int64) int { return int((size + ChunkSize - 1) / ChunkSize) }

// ChunkRange is where chunk i of a blob of size bytes lies. Only the last chunk
// may be shorter than ChunkSize.
func ChunkRange(size int64, i int) Range {
	off := int64(i) * ChunkSize
	return Range{Off: off, Len: min(ChunkSize, size-off)}
}

// ChunksOf returns the first chunk that holds a byte of r and the one behind the
// last, within a blob of size bytes.
func ChunksOf(size int64, r Range) (first, end int) {
	from, to := max(r.Off, 0), min(r.End(), size)
	if from >= to {
		return 0, 0
	}
	return int(from / ChunkSize), Chunks(to)
}
