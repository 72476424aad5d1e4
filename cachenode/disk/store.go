// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// Options say what a Store may take.
type Options struct {
	MaxBytes int64        // budget for everything in the store; 0 is what the floor leaves
	MinFree  float64      // share of the file system, and of its inodes, to keep free for others
	Existing bool         // do not make a store where there is none
	Logger   *slog.Logger // nil is silence

	life  string                             // tests: a boot
	hook  func(Op) error                     // tests: faults and order
	space func(*fsys) (space, error)         // tests: a small disk
	now   func() time.Time                   // tests: time
	probe func(context.Context, *fsys) error // tests: a hung disk
}

// Store is a node's cache of models. Make it with Open, end it with Close. Its
// methods are safe for concurrent use.
type Store struct {
	options Options
	log     *slog.Logger
	fsys    *fsys
	lock    *os.File
	path    string // absolute

	stop context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex
	blobs    map[cachenode.BlobID]*blob
	copies   map[cachenode.Revision]*heldCopy
	names    map[string]cachenode.Revision
	fillings map[*filling]struct{}
	repin    map[cachenode.Revision]bool // pinned when they were quarantined: the copy fetched in their place is, too
	evicted  int64                       // copies that went to make room, since the start

	healthMu sync.Mutex
	health   healthState
}

// blob is one blob that takes room.
type blob struct {
	bytes  int64 // that it takes on disk
	sealed bool
	open   bool // an ingest is open
}

// heldCopy is one revision in the index.
type heldCopy struct {
	manifest cachenode.Manifest
	blobs    map[cachenode.BlobID]int64 // sizes
	use      use
	leases   int
}

// blobsOf are the blobs of m and their sizes.
func blobsOf(m cachenode.Manifest) map[cachenode.BlobID]int64 {
	blobs := make(map[cachenode.BlobID]int64, len(m.Files))
	for _, file := range m.Files {
		blobs[m.Blob(file)] = file.Size
	}
	return blobs
}

// Open opens the store at root, which is made if it is missing, and finds out what
// is there. Another process in it is ErrInUse.
func Open(root string, o Options) (*Store, error) {
	s, err := open(root, o)
	if err != nil {
		return nil, err
	}
	if err := s.scan(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func open(path string, o Options) (_ *Store, err error) {
	o.setDefaults()
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, wrap("open", path, err)
	}
	root, err := openRoot(path, !o.Existing, 0o700)
	if err != nil {
		return nil, err
	}
	f := &fsys{root: root, hook: o.hook, life: o.life}
	defer func() {
		if err != nil {
			_ = root.Close()
		}
	}()
	if err := trusted(root); err != nil {
		return nil, err
	}
	held, err := lock(f, lockFile)
	if err != nil {
		return nil, err
	}
	if err := checkLayout(f); err != nil {
		return nil, errors.Join(err, unlock(held))
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // the life of the store, not of a call
	s := &Store{options: o, log: o.Logger, fsys: f, lock: held, path: absolute, stop: stop,
		blobs: map[cachenode.BlobID]*blob{}, copies: map[cachenode.Revision]*heldCopy{}, names: map[string]cachenode.Revision{}, fillings: map[*filling]struct{}{}, repin: map[cachenode.Revision]bool{}}
	s.work.Go(func() { s.watchHealth(ctx) })
	return s, nil
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.space == nil {
		o.space = (*fsys).space
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.probe == nil {
		o.probe = probe
	}
}

// Close lets go of the store. What is on the disk stays as it is.
func (s *Store) Close() error {
	s.stop()
	s.work.Wait()
	return errors.Join(unlock(s.lock), s.fsys.root.Close())
}

// Copy is one revision in the store.
type Copy struct {
	Revision cachenode.Revision
	Origin   cachenode.Origin
	Files    int
	Bytes    int64
	Pinned   bool
	Leases   int
	LastUsed time.Time
	Path     string // absolute
}

// List returns what is in the index, by revision.
func (s *Store) List() []Copy {
	s.mu.Lock()
	defer s.mu.Unlock()
	copies := make([]Copy, 0, len(s.copies))
	for _, rev := range slices.Sorted(maps.Keys(s.copies)) {
		c := s.copies[rev]
		copies = append(copies, Copy{Revision: rev, Origin: c.manifest.Origin, Files: len(c.manifest.Files), Bytes: c.manifest.Bytes(),
			Pinned: c.use.Pinned, Leases: c.leases, LastUsed: c.use.LastUsed, Path: s.Path(rev)})
	}
	return copies
}

// Path is where the directory of a revision is, or would be. It is absolute.
func (s *Store) Path(rev cachenode.Revision) string { return filepath.Join(s.path, modelPath(rev)) }

// Manifest returns the manifest of a revision in the index, or ErrNotFound.
func (s *Store) Manifest(rev cachenode.Revision) (cachenode.Manifest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.held("read manifest of", rev)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	return c.manifest, nil
}

// held is the copy of rev. s.mu is held.
func (s *Store) held(op string, rev cachenode.Revision) (*heldCopy, error) {
	c, ok := s.copies[rev]
	if !ok {
		return nil, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: op, Subject: string(rev)}
	}
	return c, nil
}
