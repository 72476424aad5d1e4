// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package checksum

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// check is the text that catalogs of CRCs give values for
// (https://reveng.sourceforge.io/crc-catalogue/).
const check = "123456789"

// crcs are all that objects may have, with their values for check.
func crcs() map[*crc]uint64 {
	return map[*crc]uint64{crc32c: 0xe3069283, crc32ieee: 0xcbf43926, crc64nv: 0xae8b14860a799888}
}

func TestCRC_HasTheCatalogsValues(t *testing.T) {
	t.Parallel()
	for c, want := range crcs() {
		if got := c.sum([]byte(check)); got != want {
			t.Errorf("CRC of width %d over %q is %x, want %x", c.width, check, got, want)
		}
	}
	if got := Chunk([]byte(check)); got != 0xe3069283 {
		t.Errorf("Chunk(%q) = %x", check, got)
	}
}

func TestCombine_IsTheCRCOfBothTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOf(rapid.Byte()).Draw(t, "a"), rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		both := slices.Concat(a, b)
		for c := range crcs() {
			if got, want := c.combine(c.sum(a), c.sum(b), int64(len(b))), c.sum(both); got != want {
				t.Fatalf("width %d: combined %x, want %x", c.width, got, want)
			}
		}
		if got := Combine32C(Chunk(a), Chunk(b), int64(len(b))); got != Chunk(both) {
			t.Fatalf("Combine32C = %x, want %x", got, Chunk(both))
		}
	})
}

// Lengths that no test can read through: (A, then B and C) is (A and B, then C).
func TestCombine_HoldsForHugeLengths(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.Int64Range(0, 1<<50)
		lenB, lenC := lengths.Draw(t, "len b"), lengths.Draw(t, "len c")
		for c := range crcs() {
			sums := rapid.Uint64Range(0, 1<<c.width-1)
			if c.width == 64 {
				sums = rapid.Uint64()
			}
			x, y, z := sums.Draw(t, "a"), sums.Draw(t, "b"), sums.Draw(t, "c")
			left := c.combine(c.combine(x, y, lenB), z, lenC)
			right := c.combine(x, c.combine(y, z, lenC), lenB+lenC)
			if left != right {
				t.Fatalf("width %d: %x and %x", c.width, left, right)
			}
		}
	})
}

// The pieces of a 140 GB object, and those of an origin with parts of an odd size.
func BenchmarkCombine35000Pieces(b *testing.B) {
	for name, size := range map[string]int64{"4MiB": 4 << 20, "odd": 5_242_883} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				var sum uint64
				for i := range uint64(35_000) {
					sum = crc64nv.combine(sum, i, size)
				}
			}
		})
	}
}
