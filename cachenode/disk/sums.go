// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

// sums are the CRC-32Cs of a whole blob's chunks, in order. On disk: a magic, the
// blob's size (u64), the sums (u32 each), a CRC-32C of all that (u32); little-endian.
type sums struct {
	size   int64
	chunks []uint32
}

const sumsMagic = "hoists1\n"

func (s sums) encode() []byte {
	b := append([]byte(nil), sumsMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.size))
	for _, c := range s.chunks {
		b = binary.LittleEndian.AppendUint32(b, c)
	}
	return binary.LittleEndian.AppendUint32(b, checksum.Chunk(b))
}

func decodeSums(b []byte) (sums, error) {
	const head = len(sumsMagic) + 8
	if len(b) < head+4 || string(b[:len(sumsMagic)]) != sumsMagic || checksum.Chunk(b[:len(b)-4]) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return sums{}, errors.New("not a file of sums, or damaged")
	}
	s := sums{size: int64(binary.LittleEndian.Uint64(b[len(sumsMagic):]))}
	for rest := b[head : len(b)-4]; len(rest) >= 4; rest = rest[4:] {
		s.chunks = append(s.chunks, binary.LittleEndian.Uint32(rest))
	}
	if s.size < 0 || len(s.chunks) != cachenode.Chunks(s.size) {
		return sums{}, fmt.Errorf("%d sums for %d bytes", len(s.chunks), s.size)
	}
	return s, nil
}
