// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/hoist-dev/hoist/cachenode"
)

// Usage is the room that a store takes and has, in bytes.
type Usage struct {
	Used     int64 // by blobs, whole and partial
	Reserved int64 // claimed by fillings and not yet on disk
	Budget   int64 // what the store may use in all, as things are
	Free     int64 // on the file system, for everybody
	Floor    int64 // to be left free
	Total    int64 // of the file system
	Evicted  int64 // copies that went to make room, since the start
}

// Usage reports what the store takes and has. Free and Total are 0 on a disk that
// does not answer.
func (s *Store) Usage() Usage {
	sp, err := s.options.space(s.fsys)
	if err != nil {
		s.log.Warn("file system does not tell its space", "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := Usage{Free: sp.free, Total: sp.total, Floor: s.floor(sp.total), Evicted: s.evicted}
	u.Used, u.Reserved = s.taken()
	u.Budget = u.Used + max(0, u.Free-u.Floor)
	if s.options.MaxBytes > 0 {
		u.Budget = min(u.Budget, s.options.MaxBytes)
	}
	return u
}

func (s *Store) floor(total int64) int64 { return int64(s.options.MinFree * float64(total)) }

// taken is what the store has on disk and has promised. s.mu is held.
func (s *Store) taken() (used, reserved int64) {
	for _, b := range s.blobs {
		used += b.bytes
	}
	for f := range s.fillings {
		for _, size := range f.waiting {
			reserved += size
		}
	}
	return used, reserved
}

// makeRoom evicts until more fits, within the budget and above the floor, beside
// what is promised already. s.mu is held.
func (s *Store) makeRoom(ctx context.Context, more need, what string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	short, err := s.short(more)
	if err != nil || short.met() {
		return err
	}
	victims, enough := pickVictims(s.candidates(), s.blobUses(), short)
	if !enough {
		return s.noRoom(short, more, what)
	}
	for _, v := range victims {
		s.log.Info("evicted to make room", "revision", v.name, "for", what)
		if err := s.expel(v); err != nil {
			return s.observe(err)
		}
	}
	return nil
}

// short is what is missing for more to fit. s.mu is held.
func (s *Store) short(more need) (need, error) {
	sp, err := s.options.space(s.fsys)
	if err != nil {
		return need{}, s.observe(err)
	}
	used, reserved := s.taken()
	coming := reserved + more.bytes
	short := need{bytes: coming - (sp.free - s.floor(sp.total))}
	if s.options.MaxBytes > 0 {
		short.bytes = max(short.bytes, used+coming-s.options.MaxBytes)
	}
	if sp.inodes > 0 {
		short.inodes = more.inodes - (sp.ifree - int64(s.options.MinFree*float64(sp.inodes)))
	}
	return short, nil
}

// expel removes a victim. s.mu is held.
func (s *Store) expel(v candidate) error {
	if v.garbage {
		return s.removeBlob(v.blobs[0])
	}
	s.evicted++
	return s.remove(v.revision)
}

func (s *Store) noRoom(short, more need, what string) error {
	used, _ := s.taken()
	why := fmt.Errorf("it needs %s, %s more than can be freed; the cache holds %s that is in use, pinned or being filled",
		humanize.IBytes(uint64(more.bytes)), humanize.IBytes(uint64(max(0, short.bytes-s.evictable()))), humanize.IBytes(uint64(used-s.evictable())))
	if short.bytes <= 0 {
		why = fmt.Errorf("%d inodes are missing", short.inodes)
	}
	return &cachenode.Error{Kind: cachenode.ErrNoSpace, Op: "make room for", Subject: what, Err: why, Hint: "evict or unpin a model, raise the budget, or add disk"}
}

// evictable is what evicting everything that may go would free. s.mu is held.
func (s *Store) evictable() int64 { return freed(s.candidates(), s.blobUses()).bytes }

// candidates are what may be evicted: no lease, no pin, nothing that is being
// filled. s.mu is held.
func (s *Store) candidates() []candidate {
	var found []candidate
	for rev, c := range s.copies {
		if c.leases == 0 && !c.use.Pinned && !s.filling(rev) {
			found = append(found, candidate{name: rev.Hex(), revision: rev, blobs: keys(c.blobs), lastUsed: c.use.LastUsed})
		}
	}
	for id, b := range s.blobs {
		if !b.open && !s.needed(id) {
			found = append(found, candidate{name: string(id), blobs: []cachenode.BlobID{id}, garbage: true})
		}
	}
	return found
}

func (s *Store) filling(rev cachenode.Revision) bool {
	for f := range s.fillings {
		if f.revision == rev {
			return true
		}
	}
	return false
}

// blobUses counts who needs each blob: revisions, fillings, or it alone if it is
// garbage. s.mu is held.
func (s *Store) blobUses() map[cachenode.BlobID]blobUse {
	uses := make(map[cachenode.BlobID]blobUse, len(s.blobs))
	for id, b := range s.blobs {
		u := blobUse{bytes: b.bytes}
		for _, c := range s.copies {
			if _, ok := c.blobs[id]; ok {
				u.refs++
			}
		}
		for f := range s.fillings {
			if _, ok := f.blobs[id]; ok {
				u.refs++
			}
		}
		u.refs = max(u.refs, 1)
		uses[id] = u
	}
	return uses
}

// Reclaim gives room back when others have filled the disk below the floor, or the
// budget shrank. When that can't be done without what is in use it is ErrNoSpace.
func (s *Store) Reclaim(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.makeRoom(ctx, need{}, "the free-space floor")
	if errors.Is(err, cachenode.ErrNoSpace) {
		err = errors.Join(err, s.giveWhatThereIs())
	}
	return err
}

// giveWhatThereIs evicts all that may go: not enough, but the node needs it. s.mu is held.
func (s *Store) giveWhatThereIs() error {
	var err error
	for _, c := range s.candidates() {
		err = errors.Join(err, s.expel(c))
	}
	return err
}

func keys[K comparable, V any](m map[K]V) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}
