// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"context"
	"io"
)

// Source reads one kind of origin. Implementations are safe for concurrent use and
// map every failure onto a kind (see errors.go). Open never retries: that belongs to
// fetch, which knows what else is going on. Resolve does, its requests are small.
//
// Conformance: cachetest.Source.
type Source interface {
	// Resolve lists what ref names, keeps what sel takes, and pins the identity of
	// every file. It reads no content. A prefix is a directory: "llama" never takes
	// "llama-hf/", and a key that ends in "/" is no file. Nothing under ref, or nothing
	// that sel takes, is ErrNotFound. sel has passed Validate.
	Resolve(ctx context.Context, ref Ref, sel Selection) (Manifest, error)

	// Open streams the bytes r of f. The stream ends with io.EOF after exactly r.Len
	// bytes; anything else is an error from Open or Read: ErrChanged when the answer
	// does not carry f's identity, ErrIncomplete when it is cut, ErrUnavailable when
	// it is not the range that was asked for. Canceling ctx unblocks Read.
	Open(ctx context.Context, o Origin, f File, r Range) (io.ReadCloser, error)
}

// Store keeps models on a disk. Conformance: cachetest.Store.
type Store interface {
	// Begin claims room for what is missing of m, evicting what may go, and keeps m
	// from eviction until Filling.End. Without room it is ErrNoSpace, before the
	// first byte, and nothing is evicted for it. What m.Validate refuses, Begin refuses.
	Begin(ctx context.Context, m Manifest) (Filling, error)
}

// Filling is one revision on its way into a Store.
type Filling interface {
	// Ingest opens the blob of f for writing, with what an earlier attempt verified.
	// A complete blob is ErrSealed. One Ingest per blob is open at a time: a second
	// is ErrInUse.
	Ingest(ctx context.Context, f File) (Ingest, error)

	// Publish makes the revision visible, whole or not at all. A blob that is not
	// sealed makes it ErrIncomplete. Publishing again is a success.
	Publish(ctx context.Context) error

	// End gives the claim back. Verified chunks of unsealed blobs stay for the next
	// attempt. A second End does nothing.
	End()
}

// Ingest is one blob on its way into a Store. Methods are safe for concurrent use
// on disjoint ranges.
type Ingest interface { //nolint:interfacebloat // one blob's life; fewer methods would need more types
	// ReadAt reads back what was written. Reading what was not is undefined.
	io.ReaderAt

	// Write stores p at off. With Direct placement p must start on a 4096-byte
	// boundary in memory and off must be a multiple of 4096; only the blob's last
	// write may have another length. Misaligned writes fall back to Cached.
	Write(p []byte, off int64, how Placement) error

	// Verified returns the CRC-32C of chunk i if its bytes are stored and verified.
	Verified(i int) (crc32c uint32, ok bool)

	// MarkVerified records that all bytes of chunk i are written and verified. It
	// survives a crash of the process.
	MarkVerified(i int, crc32c uint32) error

	// Forget takes back that chunk i is verified: its bytes will be fetched again.
	Forget(i int) error

	// Seal makes the blob durable and immutable: data, fsync, rename, fsync of the
	// directory. A missing chunk is ErrIncomplete. After an error nothing is sealed.
	Seal(ctx context.Context) error

	// Close ends the ingest. What is not sealed stays for the next attempt, or is
	// removed if discard says so. Close after Seal releases resources only.
	Close(discard bool) error
}

// Peers reads blobs from other nodes. Conformance: cachetest.Peers.
type Peers interface {
	// Open streams the bytes r of a blob from a node that holds them. When there is
	// none it is ErrNotFound, at once. Peers are trusted for nothing.
	Open(ctx context.Context, id BlobID, r Range) (io.ReadCloser, error)
}

// NoPeers is a node on its own.
type NoPeers struct{}

// Open is always ErrNotFound.
func (NoPeers) Open(context.Context, BlobID, Range) (io.ReadCloser, error) { return nil, ErrNotFound }

// Inspector refuses content that is not what its name says, before it is sealed.
// Both methods answer nil or ErrUnsafe; Whole also with what a failed read answered.
type Inspector interface {
	// Head judges a file by its first bytes: at least the first 4 MiB, or all of it.
	Head(f File, head []byte) error
	// Whole judges the complete file.
	Whole(f File, content io.ReaderAt) error
}
