// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/dustin/go-humanize"

	"github.com/hoist-dev/hoist/cachenode"
)

// dirFilling is one revision on its way into a Dir.
type dirFilling struct {
	dir      *Dir
	manifest cachenode.Manifest
}

// Begin checks that nothing of anybody else is in the way and that there is room.
func (d *Dir) Begin(ctx context.Context, m cachenode.Manifest) (cachenode.Filling, error) {
	if err := errors.Join(ctx.Err(), m.Validate()); err != nil {
		return nil, err
	}
	var missing int64
	for _, file := range m.Files {
		if _, at := d.at(file.Path); at == foreign && !d.options.Overwrite || d.walled(file.Path) {
			return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "write", Subject: path.Join(d.fsys.root.Name(), file.Path),
				Err: errors.New("a file that hoist did not put there, or that was changed since, has this name"), Hint: "move it away, or say --overwrite"}
		}
		if !d.has(m, file) {
			missing += file.Size - d.fsys.allocated(path.Join(dirIngest, string(m.Blob(file)), "data"))
		}
	}
	sp, err := d.fsys.space()
	if err == nil && missing > sp.free {
		err = &cachenode.Error{Kind: cachenode.ErrNoSpace, Op: "make room for", Subject: m.Origin.String(),
			Err:  fmt.Errorf("it needs %s, %s are free in %s", humanize.IBytes(uint64(missing)), humanize.IBytes(uint64(sp.free)), d.fsys.root.Name()),
			Hint: "free some space, or name another directory"}
	}
	if err == nil {
		err = d.fsys.mkdir(dirSums)
	}
	return &dirFilling{dir: d, manifest: m}, err
}

// walled reports whether a file that is not ours is where name needs a folder.
func (d *Dir) walled(name string) bool {
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if info, err := d.fsys.root.Stat(folder); err == nil && !info.IsDir() {
			_, at := d.at(folder)
			return at == foreign
		}
	}
	return false
}

// has reports whether a file's content is there: in place, or sealed and waiting.
func (d *Dir) has(m cachenode.Manifest, file cachenode.File) bool {
	id := m.Blob(file)
	if d.fsys.size(d.sums(id)) < 0 {
		return false
	}
	if p, at := d.at(file.Path); at == ours && p.Blob == id {
		return true
	}
	return d.fsys.size(d.sealed(id)) == file.Size
}

// Ingest opens the blob of a file.
func (f *dirFilling) Ingest(ctx context.Context, file cachenode.File) (cachenode.Ingest, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d, id := f.dir, f.manifest.Blob(file)
	if d.has(f.manifest, file) {
		return nil, cachenode.ErrSealed
	}
	d.mu.Lock()
	busy := d.open[id]
	d.open[id] = true
	d.mu.Unlock()
	if busy {
		return nil, &cachenode.Error{Kind: cachenode.ErrInUse, Op: "ingest", Subject: file.Path, Err: errors.New("it is being ingested already")}
	}
	done := func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.open, id)
	}
	if d.has(f.manifest, file) { // the one before sealed it meanwhile
		done()
		return nil, cachenode.ErrSealed
	}
	in, err := openIngest(ctx, d.fsys, path.Join(dirIngest, string(id)), d.sealed(id), d.sums(id), file.Size)
	if err != nil {
		done()
		return nil, err
	}
	in.done = done
	return in, nil
}

// Publish removes what the last revision had and this one has not, moves the sealed
// blobs to their names, one by one and each whole, and writes the manifest.
func (f *dirFilling) Publish(ctx context.Context) error {
	d, m := f.dir, f.manifest
	d.publishing.Lock()
	defer d.publishing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, file := range m.Files {
		if !d.has(m, file) {
			return &cachenode.Error{Kind: cachenode.ErrIncomplete, Op: "publish", Subject: d.fsys.root.Name(), Err: fmt.Errorf("%s is not sealed", file.Path)}
		}
	}
	if old, err := d.Manifest(); err == nil && old.Revision() == m.Revision() && d.allInPlace(m) {
		return nil
	}
	if err := d.fsys.remove(dirManifest); err != nil {
		return err
	}
	if err := d.fsys.syncDir(cachenode.Reserved); err != nil {
		return err
	}
	if err := d.removeOld(m); err != nil {
		return err
	}
	if err := d.place(m); err != nil {
		return err
	}
	if err := d.sweep(m); err != nil {
		return err
	}
	return d.fsys.write(dirManifest, m.Encode(), true)
}

func (d *Dir) allInPlace(m cachenode.Manifest) bool {
	for _, file := range m.Files {
		if p, at := d.at(file.Path); at != ours || p.Blob != m.Blob(file) {
			return false
		}
	}
	return true
}

// End does nothing: a Dir claims no room beyond what its ingests hold.
func (f *dirFilling) End() {}
