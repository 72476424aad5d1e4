// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package fetch moves bytes from a [cachenode.Source] to a [cachenode.Store]: one
// scheduler for a node, so that everything that wants bytes there competes in one
// queue for one set of connections and one budget of memory.
//
// The shape, from the outside in:
//
//	Scheduler.Ensure    resolves a ref, fills it, and starts over if it changed meanwhile
//	Scheduler.Fill      makes one manifest present: begin, one flight per file, publish
//	flight              one blob on its way: open, download, verify, inspect, seal; shared by all who want it
//	chunk               16 MiB of a blob, the unit of the queue, of retries and of hedges
//	attempt             one request for what is missing of a chunk: one connection, one goroutine, one buffer
//	piece               4 MiB: socket -> buffer -> checksums -> disk, see attempt.go for the hot path
//
// Promises
//   - A blob is sealed only if its bytes match the manifest's checksum, where it
//     has one. A mismatch is fetched once more, then it is ErrCorrupt and nothing stays.
//   - Bytes of two identities never meet in one blob: the blob's id is its identity.
//   - A region of a blob is written by one attempt at most: a piece is claimed
//     before it is written, so the recorded CRC-32C is that of the bytes on disk.
//   - One blob is downloaded once, however many want it. The last one to lose
//     interest stops it; nobody else can. What was verified stays for next time.
//   - Memory for data is Config.Buffers, whatever the size of the models. The hot
//     path allocates nothing per piece.
//   - Throttling slows this node, not the origin: the number of connections halves,
//     and retries are about a tenth of all requests in the long run.
//
// Decisions are pure and have files of their own: queue.go (what next), limit.go
// (how many at once), retry.go and pause.go (when again), hedge.go (what twice).
//
// A chunk counts as verified when its bytes are on disk with a recorded CRC-32C.
// Whether they are the origin's bytes is known when the whole blob has been
// compared with the origin's checksum: only a sealed blob is vouched for.
package fetch
