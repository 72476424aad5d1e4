// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

// The pieces of a chunk cover it, in order, without gaps, from any piece on, and
// all but the last are whole and aligned for direct I/O.
func TestChunk_PiecesCoverIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 5*cachenode.ChunkSize).Draw(t, "size")
		f := &flight{file: cachenode.File{Size: size}}
		c := &chunk{flight: f, index: rapid.IntRange(0, cachenode.Chunks(size)-1).Draw(t, "index")}
		at := c.span().Off
		for i := range c.pieces() {
			p := c.piece(i)
			if p.Off != at || p.Off%4096 != 0 || p.Len <= 0 || p.Len != pieceSize && p.End() != c.span().End() {
				t.Fatalf("piece %d is %+v, want one from %d on in %+v", i, p, at, c.span())
			}
			if rest := c.rest(i); rest.Off != at || rest.End() != c.span().End() {
				t.Fatalf("rest %d is %+v", i, rest)
			}
			at = p.End()
		}
		if at != c.span().End() || c.pieces() > piecesPerChunk {
			t.Fatalf("%d pieces end at %d, want %d", c.pieces(), at, c.span().End())
		}
	})
}

// Of two attempts that race through a chunk, each piece is written by one, and the
// chunk becomes complete once.
func TestChunk_EachPieceIsClaimedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &chunk{flight: &flight{file: cachenode.File{Size: cachenode.ChunkSize}}}
		at := [2]int32{0, c.claimed.Load()} // where each racer reads
		lost, completed := [2]bool{}, 0
		owner := map[int32]int{}
		for completed == 0 {
			racer := rapid.IntRange(0, 1).Draw(t, "racer")
			if lost[racer] || at[racer] == c.pieces() {
				continue
			}
			i := at[racer]
			if !c.claim(i) {
				lost[racer] = true
				if lost[1-racer] {
					t.Fatal("both lost")
				}
				continue
			}
			if _, twice := owner[i]; twice {
				t.Fatalf("piece %d claimed twice", i)
			}
			owner[i] = racer
			if c.wrote(i, uint32(i)) {
				completed++
			}
			at[racer]++
		}
		if len(owner) != int(c.pieces()) || !c.complete() {
			t.Fatalf("complete with %d of %d pieces", len(owner), c.pieces())
		}
	})
}
