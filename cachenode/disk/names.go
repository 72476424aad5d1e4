// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"maps"
	"path"

	"github.com/hoist-dev/hoist/cachenode"
)

// SetName points name, a file name, at a copy: a symbolic link in names/ that
// switches from one revision to the next in one step.
func (s *Store) SetName(name string, rev cachenode.Revision) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.held("name", rev); err != nil {
		return err
	}
	if s.names[name] == rev {
		return nil
	}
	at := path.Join(namesDir, name)
	if err := s.fsys.symlink(path.Join("..", modelPath(rev)), at+partSuffix); err != nil {
		return s.observe(err)
	}
	if err := s.fsys.rename(at+partSuffix, at); err != nil {
		return s.observe(err)
	}
	s.names[name] = rev
	return s.observe(s.fsys.syncDir(namesDir))
}

// RemoveName takes a name away; the copy stays. One that is not there is removed.
func (s *Store) RemoveName(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, name)
	return s.observe(s.fsys.remove(path.Join(namesDir, name)))
}

// Named is the revision that name points at.
func (s *Store) Named(name string) (cachenode.Revision, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rev, ok := s.names[name]
	return rev, ok
}

// Names are all names and the revisions that they point at.
func (s *Store) Names() map[string]cachenode.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.names)
}

// dropNames removes the names of a revision that goes. s.mu is held.
func (s *Store) dropNames(rev cachenode.Revision) {
	for name, at := range s.names {
		if at == rev {
			delete(s.names, name)
			if err := s.fsys.remove(path.Join(namesDir, name)); err != nil {
				s.log.Warn("name not removed", "name", name, "err", err)
			}
		}
	}
}

// scanNames reads the names; one that leads nowhere goes.
func (s *Store) scanNames() error {
	entries, err := s.fsys.list(namesDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at := path.Join(namesDir, e.Name())
		target, err := s.fsys.root.Readlink(at)
		rev := cachenode.Revision("sha256:" + path.Base(target))
		if _, held := s.copies[rev]; err != nil || !held || target != path.Join("..", modelPath(rev)) {
			s.tidied(s.fsys.removeAll(at))
			continue
		}
		s.names[e.Name()] = rev
	}
	return nil
}
