// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"sync/atomic"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

// pieceSize is what one buffer holds and one write stores, in bytes: large enough
// that checksums and writes cost nothing to start, small enough that a budget of
// buffers means many connections. It divides cachenode.ChunkSize.
const pieceSize = 4 << 20

const piecesPerChunk = cachenode.ChunkSize / pieceSize

// chunk is one chunk of a flight's blob.
//
// Pieces are claimed in order, each before it is written, and by one attempt only:
// two attempts may race through a chunk, but never write the same bytes.
type chunk struct {
	flight *flight
	index  int

	claimed atomic.Int32           // pieces that some attempt writes or has written
	written atomic.Int32           // pieces on disk; never more than claimed
	crcs    [piecesPerChunk]uint32 // CRC-32C of each piece, valid once it is written

	// Guarded by Scheduler.mu.
	state    state
	urgent   bool          // a reader waits for it
	noPeers  bool          // a peer failed it
	attempts int           // requests made so far
	racing   int           // attempts in flight
	failure  error         // of the last attempt that failed while another went on
	arrived  chan struct{} // closed when it is verified; nil if nobody waits
}

// state says who looks after a chunk.
type state int

const (
	missing  state = iota // nobody yet, or a timer that queues it again
	queued                // the queue
	fetching              // attempts
	verified              // the disk
)

func (c *chunk) span() cachenode.Range { return cachenode.ChunkRange(c.flight.file.Size, c.index) }

// pieces is the number of pieces of the chunk, at least 1.
func (c *chunk) pieces() int32 { return int32((c.span().Len + pieceSize - 1) / pieceSize) }

// piece is where piece i lies in the blob.
func (c *chunk) piece(i int32) cachenode.Range {
	span, from := c.span(), int64(i)*pieceSize
	return cachenode.Range{Off: span.Off + from, Len: min(pieceSize, span.Len-from)}
}

// rest is what is left of the chunk from piece i on.
func (c *chunk) rest(i int32) cachenode.Range {
	span, from := c.span(), int64(i)*pieceSize
	return cachenode.Range{Off: span.Off + from, Len: span.Len - from}
}

// claim makes piece i the caller's to write, or reports that it is another's.
func (c *chunk) claim(i int32) bool { return c.claimed.CompareAndSwap(i, i+1) }

// taken reports whether every piece has been claimed: a new attempt has nothing to do.
func (c *chunk) taken() bool { return c.claimed.Load() == c.pieces() }

// wrote records that a claimed piece is on disk and reports whether that made the
// chunk complete. It does so for one caller only.
func (c *chunk) wrote(i int32, crc32c uint32) bool {
	c.crcs[i] = crc32c
	return c.written.Add(1) == c.pieces()
}

func (c *chunk) complete() bool { return c.written.Load() == c.pieces() }

// crc is the CRC-32C of the complete chunk.
func (c *chunk) crc() uint32 {
	sum := c.crcs[0]
	for i := int32(1); i < c.pieces(); i++ {
		sum = checksum.Combine32C(sum, c.crcs[i], c.piece(i).Len)
	}
	return sum
}

// verify marks the chunk as done and tells who waits for it. Scheduler.mu is held.
func (c *chunk) verify() {
	c.state = verified
	if c.arrived != nil {
		close(c.arrived)
		c.arrived = nil
	}
}

// reset makes the chunk missing again, for the origin alone to bring. No attempt
// may be in flight; Scheduler.mu is held.
func (c *chunk) reset() {
	c.claimed.Store(0)
	c.written.Store(0)
	c.state, c.attempts, c.failure, c.noPeers = missing, 0, nil, true
}

// rank is the chunk's place in the queue.
func (c *chunk) rank() rank {
	r := rank{c.flight.priority, c.flight.arrival, c.index}
	if c.urgent {
		r.priority = cachenode.WaitingRead
	}
	return r
}
