// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package cachenode is the domain of one node: what a model is, how its bytes are
// named, checked and cut into chunks, and the ports behind which the world lives.
//
// One flow runs through it:
//
//	Ref -> Source.Resolve -> Manifest -> fetch -> Store.Begin/Ingest/Seal/Publish -> a directory
//
// A Ref is what a person writes. A Manifest is one immutable set of bytes: every
// file with the identity its origin gave it. Its digest is the Revision, the only
// name under which a copy is ever called present. A blob is the content of one
// file; a chunk is [ChunkSize] bytes of a blob and the unit of progress.
//
// The package imports the standard library only and performs no I/O. Adapters
// (source/*, disk, peer) implement the ports, fetch moves bytes between them,
// and agent drives it all.
package cachenode
