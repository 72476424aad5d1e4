// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"maps"
	"path"
	"slices"

	"github.com/hoist-dev/hoist/cachenode"
)

// place moves sealed blobs to their names. What goes where is on record before the
// first is moved, so that a crash in between leaves no file that counts as foreign.
func (d *Dir) place(m cachenode.Manifest) error {
	var moves []cachenode.File
	for _, file := range m.Files {
		info, err := d.fsys.root.Lstat(d.sealed(m.Blob(file)))
		if err != nil {
			continue // it is in place already
		}
		moves = append(moves, file)
		next := placement{Blob: m.Blob(file), Size: file.Size, Modified: info.ModTime()}
		if was, at := d.at(file.Path); at == ours || at == bad {
			was.Was, next.Was = nil, &was
		}
		d.mu.Lock()
		d.placed[file.Path] = next
		d.mu.Unlock()
	}
	if err := d.writePlaced(); err != nil {
		return err
	}
	dirs := map[string]bool{".": true}
	for _, file := range moves {
		folder := path.Dir(file.Path)
		if err := d.fsys.mkdir(folder); err != nil {
			return err
		}
		if err := d.fsys.rename(d.sealed(m.Blob(file)), file.Path); err != nil {
			return err
		}
		for ; !dirs[folder]; folder = path.Dir(folder) {
			dirs[folder] = true
		}
	}
	for folder := range dirs {
		if err := d.fsys.syncDir(folder); err != nil {
			return err
		}
	}
	return nil
}

// removeOld removes files that an earlier revision had and m has not, unless somebody
// changed them. It comes before place: what was a file may have to be a folder.
func (d *Dir) removeOld(m cachenode.Manifest) error {
	keep := map[string]bool{}
	for _, file := range m.Files {
		keep[file.Path] = true
	}
	d.mu.Lock()
	names := slices.DeleteFunc(slices.Collect(maps.Keys(d.placed)), func(name string) bool { return keep[name] })
	d.mu.Unlock()
	for _, name := range names {
		if _, at := d.at(name); at == foreign {
			d.log.Warn("file left the model and was changed since: it stays", "path", name)
		} else if err := d.fsys.remove(name); err != nil {
			return err
		}
		d.mu.Lock()
		delete(d.placed, name)
		d.mu.Unlock()
	}
	return nil
}

// sweep removes the sums of blobs that m has not, and everything unfinished.
func (d *Dir) sweep(m cachenode.Manifest) error {
	blobs := map[cachenode.BlobID]bool{}
	for _, file := range m.Files {
		blobs[m.Blob(file)] = true
	}
	entries, err := d.fsys.list(dirSums)
	for _, e := range entries {
		if !blobs[cachenode.BlobID(e.Name())] {
			err = errors.Join(err, d.fsys.remove(path.Join(dirSums, e.Name())))
		}
	}
	return errors.Join(err, d.writePlaced(), d.fsys.removeAll(dirIngest), d.fsys.removeAll(dirSealed))
}
