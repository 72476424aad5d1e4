// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

// filling is one revision on its way into the store.
type filling struct {
	store    *Store
	manifest cachenode.Manifest
	revision cachenode.Revision
	blobs    map[cachenode.BlobID]int64 // sizes
	waiting  map[cachenode.BlobID]int64 // reserved and not yet on disk; guarded by store.mu
	end      func()
}

// Begin claims room for what is missing of m.
func (s *Store) Begin(ctx context.Context, m cachenode.Manifest) (cachenode.Filling, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	f := &filling{store: s, manifest: m, revision: m.Revision(), blobs: blobsOf(m)}
	f.end = sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.fillings, f)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fillings[f] = struct{}{} // before room is made: what it shares must not go
	missing, more := map[cachenode.BlobID]int64{}, need{}
	for id, size := range f.blobs {
		if _, ok := s.blobs[id]; !ok && !s.reserved(id) {
			missing[id] = size
			more.bytes += size
			more.inodes += inodesPerBlob
		}
	}
	if err := s.makeRoom(ctx, more, m.Origin.String()); err != nil {
		delete(s.fillings, f)
		return nil, err
	}
	f.waiting = missing
	return f, nil
}

// reserved reports whether another filling has claimed room for id. s.mu is held.
func (s *Store) reserved(id cachenode.BlobID) bool {
	for f := range s.fillings {
		if _, ok := f.waiting[id]; ok {
			return true
		}
	}
	return false
}

// Ingest opens the blob of a file.
func (f *filling) Ingest(ctx context.Context, file cachenode.File) (cachenode.Ingest, error) {
	s, id := f.store, f.manifest.Blob(file)
	if _, ok := f.blobs[id]; !ok {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "ingest", Subject: file.Path, Err: errors.New("it is not in the manifest")}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.claimBlob(id, file.Path); err != nil {
		return nil, err
	}
	dir := path.Join(ingestDir, string(id))
	in, err := openIngest(ctx, s.fsys, dir, blobPath(id), blobPath(id)+sumsSuffix, file.Size)
	if err != nil {
		s.settle(id, dir)
		return nil, s.observe(err)
	}
	s.mu.Lock()
	s.blobs[id].bytes = s.fsys.allocated(path.Join(dir, "data"))
	for other := range s.fillings {
		delete(other.waiting, id) // it is on disk now, and counted there
	}
	s.mu.Unlock()
	in.done = func() { s.settle(id, dir) }
	return &storeIngest{ingest: in, store: s, id: id}, nil
}

// claimBlob makes the caller the one who ingests id.
func (s *Store) claimBlob(id cachenode.BlobID, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[id]
	switch {
	case !ok:
		if s.fsys.size(blobPath(id)) >= 0 { // nobody trusts it, and it could not be moved away: it must not get the sums of the next
			if err := s.quarantine(blobPath(id)); err != nil {
				return s.observe(err)
			}
		}
		b = &blob{}
		s.blobs[id] = b
	case b.sealed:
		return cachenode.ErrSealed
	case b.open:
		return &cachenode.Error{Kind: cachenode.ErrInUse, Op: "ingest", Subject: name, Err: errors.New("it is being ingested already")}
	}
	b.open = true
	return nil
}

// settle records what an ingest left behind.
func (s *Store) settle(id cachenode.BlobID, dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blobs[id]
	b.open = false
	if !b.sealed && s.fsys.size(path.Join(dir, "data")) < 0 {
		delete(s.blobs, id)
	}
}

// storeIngest is an ingest whose errors count against the disk's health.
type storeIngest struct {
	*ingest
	store *Store
	id    cachenode.BlobID
}

func (in *storeIngest) Write(p []byte, off int64, how cachenode.Placement) error {
	return in.store.observe(in.ingest.Write(p, off, how))
}

func (in *storeIngest) Seal(ctx context.Context) error {
	if err := in.ingest.Seal(ctx); err != nil {
		return in.store.observe(err)
	}
	in.store.mu.Lock()
	defer in.store.mu.Unlock()
	b := in.store.blobs[in.id]
	b.sealed, b.bytes = true, in.store.fsys.allocated(in.whole)
	return nil
}

// Publish puts the revision into the index.
func (f *filling) Publish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := f.store
	s.mu.Lock()
	defer s.mu.Unlock()
	rev := f.revision
	if _, ok := s.copies[rev]; ok {
		return nil
	}
	for _, file := range f.manifest.Files {
		if b, ok := s.blobs[f.manifest.Blob(file)]; !ok || !b.sealed {
			return &cachenode.Error{Kind: cachenode.ErrIncomplete, Op: "publish", Subject: string(rev), Err: fmt.Errorf("%s is not sealed", file.Path)}
		}
	}
	if err := s.publish(f.manifest); err != nil {
		return s.observe(err)
	}
	s.copies[rev] = &heldCopy{manifest: f.manifest, blobs: f.blobs, use: use{Pinned: s.repin[rev], LastUsed: s.options.now()}}
	delete(s.repin, rev)
	return s.writeUse(rev, s.copies[rev].use)
}

// End gives the claim back.
func (f *filling) End() { f.end() }
