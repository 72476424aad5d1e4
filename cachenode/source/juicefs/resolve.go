// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"syscall"

	"github.com/juicedata/juicefs/pkg/meta"

	"github.com/hoist-dev/hoist/cachenode"
)

// maxEntries bounds what a listing looks at.
const maxEntries = 1_000_000

// Resolve implements [cachenode.Source].
func (s *Source) Resolve(ctx context.Context, ref cachenode.Ref, sel cachenode.Selection) (cachenode.Manifest, error) {
	if ref.Scheme != Scheme {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "resolve", Subject: ref.String(), Err: fmt.Errorf("want %s://", Scheme)}
	}
	if ctx.Err() != nil {
		return cachenode.Manifest{}, fmt.Errorf("resolve %s: %w", ref, context.Cause(ctx))
	}
	v, err := s.use(ctx)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	defer s.release(v)
	if v.name != ref.Bucket {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "resolve", Subject: ref.String(),
			Err: fmt.Errorf("the metadata is of the volume %q", v.name), Hint: "check the volume's name, or the metadata URL"}
	}
	l := listing{ctx: ctx, volume: v, sel: sel, prefix: ref.Key}
	if err := l.run(ref); err != nil {
		return cachenode.Manifest{}, fault(ctx, "resolve", ref.String(), err)
	}
	if len(l.files) == 0 {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "resolve", Subject: ref.String(),
			Err: fmt.Errorf("none of %d files is selected", l.seen), Hint: "check the path, --include and --exclude"}
	}
	origin := cachenode.Origin{Scheme: Scheme, Endpoint: v.uuid, Bucket: v.name, Prefix: l.prefix}
	return cachenode.NewManifest(origin, l.files) //nolint:wrapcheck // a fault of this domain
}

// listing collects the files of one folder.
type listing struct {
	ctx    context.Context //nolint:containedctx // of the one call that it serves
	volume *volume
	sel    cachenode.Selection
	prefix string // of all keys

	files []cachenode.File
	seen  int
}

// run lists what ref names: a folder, or else a file.
func (l *listing) run(ref cachenode.Ref) error {
	at, err := l.volume.find(l.ctx, ref.Key)
	switch {
	case err != nil:
		return err
	case at.attr.Typ == meta.TypeDirectory:
		if !ref.Dir() {
			l.prefix += "/"
		}
		return l.folder(at.inode, "")
	case ref.Dir():
		return syscall.ENOTDIR
	}
	l.prefix = ref.Key[:strings.LastIndex(ref.Key, "/")+1]
	l.seen = 1
	return l.file(path.Base(ref.Key), at)
}

// folder lists what is below a folder. dir is its path in the model, "" or with a slash
// at the end.
func (l *listing) folder(inode meta.Ino, dir string) error {
	entries, err := l.volume.list(l.ctx, inode)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := l.entry(e, dir+string(e.Name)); err != nil {
			return err
		}
	}
	return nil
}

func (l *listing) entry(e *meta.Entry, p string) error {
	if l.seen++; l.seen > maxEntries || len(p) > 4096 {
		return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "list", Subject: l.uri(p), Err: fmt.Errorf("more than %d files and folders, or paths that do not end", maxEntries), Hint: "name a folder that holds one model"}
	}
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	if e.Attr.Typ == meta.TypeDirectory {
		return l.folder(e.Inode, p+"/")
	}
	return l.file(p, node{e.Inode, *e.Attr})
}

// file takes a file, if it is selected. It is p in the model.
func (l *listing) file(p string, n node) error {
	take, err := l.sel.Take(p)
	if !take && err == nil {
		return nil
	}
	if _, unclean := cachenode.CleanKey(p); unclean != nil {
		return unclean //nolint:wrapcheck // names the file
	}
	if err != nil {
		return err //nolint:wrapcheck // names the file
	}
	if n.attr.Typ == meta.TypeSymlink {
		n, err = l.volume.find(l.ctx, l.prefix+p)
		if errors.Is(err, syscall.ENOENT) {
			err = fmt.Errorf("%w: it is a link to nothing", cachenode.ErrUnsafe)
		}
	}
	if err == nil && n.attr.Typ != meta.TypeFile {
		err = fmt.Errorf("%w: it is no regular file", cachenode.ErrUnsafe)
	}
	if err != nil {
		return fault(l.ctx, "list", l.uri(p), err)
	}
	l.files = append(l.files, cachenode.File{Path: p, Size: int64(n.attr.Length), Source: cachenode.Identity{Key: l.prefix + p, ETag: n.identity()}})
	return nil
}

func (l *listing) uri(p string) string {
	return cachenode.Ref{Scheme: Scheme, Bucket: l.volume.name, Key: l.prefix + p}.String()
}
