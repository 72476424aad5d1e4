// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// use is what decides when a copy may go. It is a hint: losing it loses no model.
type use struct {
	Pinned   bool      `json:"pinned,omitempty"`
	LastUsed time.Time `json:"lastUsed"`
}

// readUse is the use on record, or a fresh one.
func (s *Store) readUse(rev cachenode.Revision) use {
	u := use{LastUsed: s.options.now()}
	if raw, err := s.fsys.read(usePath(rev)); err == nil {
		_ = json.Unmarshal(raw, &u) // damaged is as good as fresh
	}
	return u
}

func (s *Store) writeUse(rev cachenode.Revision, u use) error {
	raw, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return s.observe(s.fsys.write(usePath(rev), raw, u.Pinned))
}

// Lease keeps a copy from eviction until release is called: somebody reads it.
// Leases are of the process; releasing twice does nothing, and so does releasing one of
// a copy that was quarantined: the copy that was fetched in its place is another's.
func (s *Store) Lease(rev cachenode.Revision) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.held("lease", rev)
	if err != nil {
		return nil, err
	}
	s.count(rev, c, 1)
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.copies[rev] == c {
			s.count(rev, c, -1)
		}
	}), nil
}

// count adds to the leases of a copy. A disk that can't take the use down, full or
// read-only, keeps nobody from reading: it is a hint. s.mu is held.
func (s *Store) count(rev cachenode.Revision, c *heldCopy, leases int) {
	c.leases += leases
	c.use.LastUsed = s.options.now()
	if err := s.writeUse(rev, c.use); err != nil {
		s.log.Warn("last use not recorded", "revision", rev, "err", err)
	}
}

// Pin keeps a copy from eviction, across restarts, or lets it go again.
func (s *Store) Pin(rev cachenode.Revision, pinned bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.held("pin", rev)
	if err != nil {
		return err
	}
	c.use.Pinned = pinned
	return s.writeUse(rev, c.use)
}
