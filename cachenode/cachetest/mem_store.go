// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

// MemStore is a Store in memory. It is stricter than a disk in one point: marking a
// chunk with a CRC-32C that is not that of its bytes is ErrCorrupt.
type MemStore struct {
	capacity int64

	mu        sync.Mutex
	blobs     map[cachenode.BlobID]*memBlob
	published []cachenode.Manifest // the oldest first
}

// memBlob is a blob that takes room: stored, or claimed.
type memBlob struct {
	size     int64
	data     []byte         // nil until the first ingest
	verified map[int]uint32 // CRC-32C by chunk
	sealed   bool
	open     bool // an ingest is
	claims   int  // fillings that need it
}

var (
	_ cachenode.Store   = (*MemStore)(nil)
	_ cachenode.Filling = (*memFilling)(nil)
)

// NewStore is an empty store for capacity bytes of blobs.
func NewStore(capacity int64) *MemStore {
	return &MemStore{capacity: capacity, blobs: map[cachenode.BlobID]*memBlob{}}
}

// ReadFile returns a file of a published revision, or ErrNotFound. The caller must
// not change it.
func (s *MemStore) ReadFile(rev cachenode.Revision, path string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.find(rev); at >= 0 {
		for _, f := range s.published[at].Files {
			if f.Path == path {
				return s.blobs[s.published[at].Blob(f)].data, nil
			}
		}
	}
	return nil, notFound("read", string(rev)+" "+path)
}

// Revisions are what is published, the oldest first.
func (s *MemStore) Revisions() []cachenode.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	var revs []cachenode.Revision
	for _, m := range s.published {
		revs = append(revs, m.Revision())
	}
	return revs
}

// Used is the room in bytes that blobs and claims take.
func (s *MemStore) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used()
}

// find is the index of rev in s.published, or -1. s.mu is held.
func (s *MemStore) find(rev cachenode.Revision) int {
	return slices.IndexFunc(s.published, func(m cachenode.Manifest) bool { return m.Revision() == rev })
}

// used is Used. s.mu is held.
func (s *MemStore) used() (sum int64) {
	for _, b := range s.blobs {
		sum += b.size
	}
	return sum
}

// Begin claims room, and takes it from what nobody claims if it must.
func (s *MemStore) Begin(ctx context.Context, m cachenode.Manifest) (cachenode.Filling, error) {
	if err := errors.Join(ctx.Err(), m.Validate()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &memFilling{store: s, manifest: m, blobs: map[cachenode.BlobID]*memBlob{}}
	for _, file := range m.Files {
		f.claim(m.Blob(file), file.Size)
	}
	if !s.makeRoom() {
		f.release()
		return nil, &cachenode.Error{Kind: cachenode.ErrNoSpace, Op: "make room for", Subject: m.Origin.String(), Err: fmt.Errorf("%d bytes", m.Bytes())}
	}
	f.end = sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f.release()
	})
	return f, nil
}

// makeRoom evicts until the capacity is kept: what is unfinished and unclaimed
// first, then revisions, the oldest first. If that is not enough it evicts nothing.
// s.mu is held.
func (s *MemStore) makeRoom() bool {
	var kept int64
	for _, b := range s.blobs {
		if b.claims > 0 {
			kept += b.size
		}
	}
	if kept > s.capacity {
		return false
	}
	if s.used() > s.capacity {
		s.sweep(func(b *memBlob) bool { return !b.sealed })
	}
	for i := 0; i < len(s.published) && s.used() > s.capacity; {
		if s.claimed(s.published[i]) {
			i++
			continue
		}
		s.published = slices.Delete(s.published, i, i+1)
		s.sweep(func(*memBlob) bool { return true })
	}
	return true
}

// claimed reports whether a filling needs all of m. s.mu is held.
func (s *MemStore) claimed(m cachenode.Manifest) bool {
	for _, f := range m.Files {
		if s.blobs[m.Blob(f)].claims == 0 {
			return false
		}
	}
	return true
}

// sweep removes blobs that nothing needs, of those that match. s.mu is held.
func (s *MemStore) sweep(match func(*memBlob) bool) {
	needed := map[cachenode.BlobID]bool{}
	for _, m := range s.published {
		for _, f := range m.Files {
			needed[m.Blob(f)] = true
		}
	}
	for id, b := range s.blobs {
		if b.claims == 0 && !needed[id] && match(b) {
			delete(s.blobs, id)
		}
	}
}

// memFilling is one revision on its way into a MemStore.
type memFilling struct {
	store    *MemStore
	manifest cachenode.Manifest
	blobs    map[cachenode.BlobID]*memBlob // claimed
	end      func()
}

// claim keeps a blob, and its room if it is not there. store.mu is held.
func (f *memFilling) claim(id cachenode.BlobID, size int64) {
	if f.blobs[id] != nil {
		return // two files with one content
	}
	b, ok := f.store.blobs[id]
	if !ok {
		b = &memBlob{size: size, verified: map[int]uint32{}}
		f.store.blobs[id] = b
	}
	b.claims++
	f.blobs[id] = b
}

// release gives the claims back, and the room of what nothing is known of. store.mu
// is held.
func (f *memFilling) release() {
	for _, b := range f.blobs {
		b.claims--
	}
	f.store.sweep(func(b *memBlob) bool { return !b.sealed && len(b.verified) == 0 })
}

// Ingest opens a blob for writing.
func (f *memFilling) Ingest(ctx context.Context, file cachenode.File) (cachenode.Ingest, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	b, ok := f.blobs[f.manifest.Blob(file)]
	switch {
	case !ok:
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "ingest", Subject: file.Path, Err: errors.New("it is not in the manifest")}
	case b.sealed:
		return nil, cachenode.ErrSealed
	case b.open:
		return nil, &cachenode.Error{Kind: cachenode.ErrInUse, Op: "ingest", Subject: file.Path}
	}
	if b.data == nil {
		b.data = make([]byte, b.size)
	}
	b.open = true
	return &memIngest{blob: b, mu: &f.store.mu}, nil
}

// Publish makes the revision visible to ReadFile.
func (f *memFilling) Publish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	for _, file := range f.manifest.Files {
		if !f.blobs[f.manifest.Blob(file)].sealed {
			return &cachenode.Error{Kind: cachenode.ErrIncomplete, Op: "publish", Subject: file.Path, Err: errors.New("it is not sealed")}
		}
	}
	if f.store.find(f.manifest.Revision()) < 0 {
		f.store.published = append(f.store.published, f.manifest)
	}
	return nil
}

// End gives the claim back.
func (f *memFilling) End() { f.end() }
