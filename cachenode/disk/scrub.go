// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"

	"golang.org/x/time/rate"

	"github.com/hoist-dev/hoist/cachenode"
)

// Verify reads every byte of a copy and compares it with the sums taken when it was
// sealed. A copy that fails is quarantined, with every other one that shares the
// bad blob, and the answer is ErrCorrupt.
func (s *Store) Verify(ctx context.Context, rev cachenode.Revision) error {
	s.mu.Lock()
	c, err := s.held("verify", rev)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(c.blobs)) {
		if _, err := s.check(ctx, id, func(int64) error { return ctx.Err() }); err != nil {
			return err
		}
	}
	return nil
}

// ScrubResult is what a cycle through all blobs found.
type ScrubResult struct {
	Bytes       int64                // read and compared
	Quarantined []cachenode.Revision // copies that are gone because a blob had changed
}

// errorsToEndScrub is how many blobs in a row that can't be read end a cycle: the disk is gone, or nearly.
const errorsToEndScrub = 3

// Scrub reads every sealed blob once, at most bytesPerSecond (0: as fast as it
// goes), and quarantines what has changed on the disk (A4). Each copy that goes is
// told to gone at once: a cycle may take days. A blob that can't be read is passed
// over, and said at the end, as long as the disk is well. Scrub ends early when ctx does.
func (s *Store) Scrub(ctx context.Context, bytesPerSecond int64, gone func(cachenode.Revision)) (ScrubResult, error) {
	limit := rate.NewLimiter(rate.Inf, 0)
	if bytesPerSecond > 0 {
		limit = rate.NewLimiter(rate.Limit(bytesPerSecond), cachenode.ChunkSize)
	}
	var result ScrubResult
	var failed []error
	inRow := 0
	for _, id := range s.sealed() {
		bad, err := s.check(ctx, id, func(n int64) error {
			result.Bytes += n
			return limit.WaitN(ctx, int(n))
		})
		result.Quarantined = append(result.Quarantined, bad...)
		for _, rev := range bad {
			gone(rev)
		}
		switch {
		case ctx.Err() != nil:
			return result, errors.Join(append(failed, ctx.Err())...)
		case err == nil || errors.Is(err, cachenode.ErrCorrupt):
			inRow = 0
			continue
		}
		failed = append(failed, err)
		if inRow++; inRow >= errorsToEndScrub || s.Health() != Normal {
			break
		}
	}
	return result, errors.Join(failed...)
}

func (s *Store) sealed() []cachenode.BlobID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []cachenode.BlobID
	for id, b := range s.blobs {
		if b.sealed {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// check compares one blob. One that differs is ErrCorrupt and out of the store;
// one that was evicted meanwhile is fine.
func (s *Store) check(ctx context.Context, id cachenode.BlobID, pause func(int64) error) (gone []cachenode.Revision, err error) {
	err = checkBlob(s.fsys, blobPath(id), blobPath(id)+sumsSuffix, pause)
	if err == nil || ctx.Err() != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.blobs[id]; !ok || !b.sealed {
		return nil, nil
	}
	if !errors.Is(err, cachenode.ErrCorrupt) {
		return nil, s.observe(err)
	}
	gone, failed := s.condemn(id)
	return gone, errors.Join(err, failed)
}

// condemn takes a rotten blob and every copy that has it out of the index. Readers
// that have the file open keep it; nobody gets it anew. s.mu is held.
func (s *Store) condemn(id cachenode.BlobID) (gone []cachenode.Revision, err error) {
	for rev, c := range s.copies {
		if _, ok := c.blobs[id]; !ok {
			continue
		}
		gone = append(gone, rev)
		delete(s.copies, rev)
		if c.use.Pinned {
			s.repin[rev] = true
		}
		s.dropNames(rev)
		err = errors.Join(err, s.fsys.remove(manifestPath(rev)), s.fsys.removeAll(modelPath(rev)), s.fsys.remove(usePath(rev)))
	}
	err = errors.Join(err, s.fsys.syncDir(manifestsDir), s.quarantine(blobPath(id)), s.fsys.remove(blobPath(id)+sumsSuffix), s.fsys.syncDir(path.Dir(blobPath(id))))
	delete(s.blobs, id)
	slices.Sort(gone)
	return gone, err
}
