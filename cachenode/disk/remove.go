// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"path"

	"github.com/hoist-dev/hoist/cachenode"
)

// Evict removes a copy, and the blobs that nobody else needs. One that is leased
// or pinned is ErrInUse.
func (s *Store) Evict(rev cachenode.Revision) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.held("evict", rev)
	if err != nil {
		return err
	}
	switch {
	case c.leases > 0:
		return &cachenode.Error{Kind: cachenode.ErrInUse, Op: "evict", Subject: string(rev), Err: errors.New("it is being read"), Hint: "stop what uses it first"}
	case c.use.Pinned:
		return &cachenode.Error{Kind: cachenode.ErrInUse, Op: "evict", Subject: string(rev), Err: errors.New("it is pinned"), Hint: "unpin it first"}
	}
	return s.observe(s.remove(rev))
}

// remove takes a revision out of the index and then off the disk. s.mu is held.
func (s *Store) remove(rev cachenode.Revision) error {
	c := s.copies[rev]
	if err := s.fsys.remove(manifestPath(rev)); err != nil {
		return err
	}
	delete(s.copies, rev) // whatever happens now: the index decides
	s.dropNames(rev)
	if err := s.fsys.syncDir(manifestsDir); err != nil {
		return err
	}
	err := errors.Join(s.fsys.removeAll(modelPath(rev)), s.fsys.remove(usePath(rev)))
	for id := range c.blobs {
		if !s.needed(id) {
			err = errors.Join(err, s.removeBlob(id))
		}
	}
	return err
}

// needed reports whether a revision or a filling needs id. s.mu is held.
func (s *Store) needed(id cachenode.BlobID) bool {
	for f := range s.fillings {
		if _, ok := f.blobs[id]; ok {
			return true
		}
	}
	for _, c := range s.copies {
		if _, ok := c.blobs[id]; ok {
			return true
		}
	}
	return false
}

// removeBlob removes a blob or a partial one. s.mu is held.
func (s *Store) removeBlob(id cachenode.BlobID) error {
	err := errors.Join(s.fsys.remove(blobPath(id)), s.fsys.remove(blobPath(id)+sumsSuffix), s.fsys.removeAll(path.Join(ingestDir, string(id))))
	if err == nil {
		delete(s.blobs, id)
	}
	return err
}
