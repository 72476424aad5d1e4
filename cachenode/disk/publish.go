// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"maps"
	"path"
	"slices"

	"github.com/hoist-dev/hoist/cachenode"
)

// publish builds the tree of m and writes the index, in that order.
func (s *Store) publish(m cachenode.Manifest) error {
	rev := m.Revision()
	if err := s.buildTree(m, modelPath(rev)); err != nil {
		return err
	}
	return s.fsys.write(manifestPath(rev), m.Encode(), true)
}

// buildTree makes the directory of m at name: links to blobs, durable, whole or not
// at all.
func (s *Store) buildTree(m cachenode.Manifest, name string) error {
	f, tmp := s.fsys, name+partSuffix
	for _, old := range []string{tmp, name} {
		if err := f.removeAll(old); err != nil {
			return err
		}
	}
	if err := f.mkdir(tmp); err != nil {
		return err
	}
	dirs := map[string]bool{tmp: true}
	for _, file := range m.Files {
		at := path.Join(tmp, file.Path)
		for dir := path.Dir(at); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
		if err := f.mkdir(path.Dir(at)); err != nil {
			return err
		}
		if err := f.link(blobPath(m.Blob(file)), at); err != nil {
			return err
		}
	}
	for _, dir := range slices.Backward(slices.Sorted(maps.Keys(dirs))) { // the deepest first
		if err := f.syncDir(dir); err != nil {
			return err
		}
	}
	if err := f.rename(tmp, name); err != nil {
		return err
	}
	return f.syncDir(path.Dir(name))
}
