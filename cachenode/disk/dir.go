// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"sync"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// What a Dir keeps in its folder .hoist. The manifest there is the READY marker: it
// is written last and removed before anything is changed.
const (
	dirManifest = cachenode.Reserved + "/manifest.json"
	dirPlaced   = cachenode.Reserved + "/placed.json"
	dirLock     = cachenode.Reserved + "/lock"
	dirIngest   = cachenode.Reserved + "/ingest"
	dirSealed   = cachenode.Reserved + "/sealed"
	dirSums     = cachenode.Reserved + "/sums"
)

// DirOptions are the choices of a Dir.
type DirOptions struct {
	Overwrite bool          // replace files that are not from an earlier run, or were changed since
	Logger    *slog.Logger  // nil is silence
	OnRead    func(n int64) // told how many bytes Verify is about to read; nil is nobody

	hook func(Op) error // tests: faults and order
}

// Dir is one model in one directory: plain files under their names, and a folder
// .hoist beside them. It implements cachenode.Store for the one revision that is
// being brought there. Make it with OpenDir, end it with Close.
type Dir struct {
	options DirOptions
	log     *slog.Logger
	fsys    *fsys
	lock    *os.File

	publishing sync.Mutex // held while a revision is published; before mu

	mu     sync.Mutex
	placed map[string]placement
	open   map[cachenode.BlobID]bool
}

// placement is what Dir put at a path, and how to tell that nobody touched it.
type placement struct {
	Blob     cachenode.BlobID `json:"blob"`
	Size     int64            `json:"size"`
	Modified time.Time        `json:"modified"`
	Bad      bool             `json:"bad,omitempty"` // a check found other bytes

	// Was is what is at the path until the move that puts this one there: a crash may
	// come between the record and the move.
	Was *placement `json:"was,omitempty"`
}

// OpenDir opens path, which is made if it is missing. Another hoist in it is ErrInUse.
func OpenDir(name string, o DirOptions) (_ *Dir, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	root, err := openRoot(name, true, 0o755)
	if err != nil {
		return nil, err
	}
	d := &Dir{options: o, log: o.Logger, fsys: &fsys{root: root, hook: o.hook}, placed: map[string]placement{}, open: map[cachenode.BlobID]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := d.fsys.mkdir(cachenode.Reserved); err != nil {
		return nil, err
	}
	if d.lock, err = lock(d.fsys, dirLock); err != nil {
		return nil, err
	}
	raw, err := d.fsys.read(dirPlaced)
	if err == nil {
		err = json.Unmarshal(raw, &d.placed)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Warn("record of placed files not readable: they count as foreign", "err", err)
		d.placed = map[string]placement{}
	}
	return d, nil
}

// Close lets go of the directory.
func (d *Dir) Close() error {
	err := d.fsys.root.Close()
	if d.lock != nil {
		err = errors.Join(err, unlock(d.lock))
	}
	return err
}

// Manifest is the manifest of what is in the directory, whole; ErrNotFound if
// nothing is, or not all of it.
func (d *Dir) Manifest() (cachenode.Manifest, error) {
	raw, err := d.fsys.read(dirManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "read manifest of", Subject: d.fsys.root.Name(),
			Err: errors.New("no complete model is here"), Hint: "run hoist get"}
	}
	if err != nil {
		return cachenode.Manifest{}, err
	}
	return cachenode.DecodeManifest(bytes.NewReader(raw))
}

// Verify reads every byte and compares it with the sums taken at the download. The
// first file that differs is ErrCorrupt; the next download replaces all that do.
func (d *Dir) Verify(ctx context.Context) (cachenode.Manifest, error) {
	m, err := d.Manifest()
	if err != nil {
		return m, err
	}
	var first error
	for _, file := range m.Files {
		err := checkBlob(d.fsys, file.Path, d.sums(m.Blob(file)), func(n int64) error {
			if d.options.OnRead != nil {
				d.options.OnRead(n)
			}
			return ctx.Err()
		})
		if ctx.Err() != nil {
			return m, ctx.Err()
		}
		if err == nil {
			continue
		}
		if first == nil {
			first = err
		}
		if errors.Is(err, cachenode.ErrCorrupt) || errors.Is(err, fs.ErrNotExist) {
			d.mark(file.Path)
		}
	}
	if first != nil {
		return m, errors.Join(first, d.writePlaced())
	}
	return m, nil
}

// mark records that a placed file has other bytes than it should.
func (d *Dir) mark(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, ok := d.placed[name]; ok {
		p.Bad = true
		d.placed[name] = p
	}
}

func (d *Dir) writePlaced() error {
	d.mu.Lock()
	raw, err := json.Marshal(d.placed)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	return d.fsys.write(dirPlaced, raw, true)
}

func (d *Dir) sealed(id cachenode.BlobID) string { return path.Join(dirSealed, string(id)) }
func (d *Dir) sums(id cachenode.BlobID) string   { return path.Join(dirSums, string(id)) }

// state says what is at a path.
type state int

const (
	absent  state = iota
	ours          // placed by us and untouched
	bad           // placed by us, and known to have other bytes
	foreign       // anything else
)

func (d *Dir) at(name string) (placement, state) {
	info, err := d.fsys.root.Lstat(name)
	if err != nil {
		return placement{}, absent
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.placed[name]
	if ok && p.Was != nil && p.Was.is(info) {
		p = *p.Was
	}
	switch {
	case !ok || !p.is(info):
		return p, foreign
	case p.Bad:
		return p, bad
	}
	return p, ours
}

// is reports whether a file is the one that was placed, untouched.
func (p placement) is(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.Size() == p.Size && info.ModTime().Equal(p.Modified)
}
