// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package checksum

import (
	"hash/crc32"

	"github.com/minio/crc64nvme"
)

// crc is one reflected CRC with all-ones initial and final value, of width bits.
type crc struct {
	width  int
	poly   uint64 // reflected: the highest bit of the width is x^0
	sum    func(p []byte) uint64
	powers *[67]uint64 // powers[k] is x^(2^k) modulo poly
}

//nolint:gochecknoglobals // constants that Go can't write as such
var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	crc32c    = newCRC(32, crc32.Castagnoli, func(p []byte) uint64 { return uint64(crc32.Checksum(p, castagnoli)) })
	crc32ieee = newCRC(32, crc32.IEEE, func(p []byte) uint64 { return uint64(crc32.ChecksumIEEE(p)) })
	crc64nv   = newCRC(64, 0x9a6c9329ac4bc9b5, crc64nvme.Checksum)
)

func newCRC(width int, poly uint64, sum func([]byte) uint64) *crc {
	c := &crc{width: width, poly: poly, sum: sum, powers: new([67]uint64)}
	c.powers[0] = 1 << (width - 2) // x^1
	for k := 1; k < len(c.powers); k++ {
		c.powers[k] = c.mul(c.powers[k-1], c.powers[k-1])
	}
	return c
}

// combine is the CRC of A||B: A's polynomial moved up by B's length, plus B's
// (M. Adler, zlib crc32_combine). It takes one multiplication for each 1 bit of lenB.
func (c *crc) combine(a, b uint64, lenB int64) uint64 {
	for k := 3; lenB > 0; k++ { // a byte is 2^3 bits
		if lenB&1 == 1 {
			a = c.mul(c.powers[k], a)
		}
		lenB >>= 1
	}
	return a ^ b
}

// mul is a times b modulo poly, over GF(2).
func (c *crc) mul(a, b uint64) uint64 {
	var product uint64
	for bit := uint64(1) << (c.width - 1); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		carry := b & 1
		b = b>>1 ^ c.poly&-carry
	}
	return product
}

// bytes is a sum as S3 encodes it: big-endian.
func (c *crc) bytes(sum uint64) []byte {
	out := make([]byte, c.width/8)
	for i := range out {
		out[i] = byte(sum >> (c.width - 8 - 8*i))
	}
	return out
}
