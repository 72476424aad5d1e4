// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// maxEntries bounds what a listing looks at: files, folders and what is neither.
const maxEntries = 1_000_000

// Resolve implements [cachenode.Source].
func (s *Source) Resolve(ctx context.Context, ref cachenode.Ref, sel cachenode.Selection) (cachenode.Manifest, error) {
	if ref.Scheme != s.scheme || ref.VersionID != "" {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "resolve", Subject: ref.String(), Err: fmt.Errorf("want %s:// and no version", s.scheme)}
	}
	at, err := s.folder(ref)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	origin := cachenode.Origin{Scheme: s.scheme, Bucket: ref.Bucket, Prefix: ref.Key}
	if !ref.Dir() {
		origin.Prefix += "/"
	}
	l := listing{ctx: ctx, source: s, origin: origin, sel: sel}
	err = l.folder(at)
	if errors.Is(err, errNoFolder) && !ref.Dir() {
		dir, name := path.Split(ref.Key)
		if at, err = s.folder(cachenode.Ref{Bucket: ref.Bucket, Key: dir}); err == nil {
			l.origin.Prefix = dir
			err = l.single(at, name)
		}
	}
	if err != nil {
		return cachenode.Manifest{}, s.fault(ctx, "resolve", ref.String(), err)
	}
	if len(l.files) == 0 {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "resolve", Subject: ref.String(),
			Err: fmt.Errorf("none of %d files is selected", l.seen), Hint: "check the path, --include and --exclude"}
	}
	return cachenode.NewManifest(l.origin, l.files) //nolint:wrapcheck // a fault of this domain
}

// errNoFolder is a path that leads to something else.
var errNoFolder = fmt.Errorf("no folder: %w", fs.ErrNotExist)

// listing collects the files of one folder.
type listing struct {
	ctx    context.Context //nolint:containedctx // of the one call that it serves
	source *Source
	origin cachenode.Origin
	sel    cachenode.Selection

	files []cachenode.File
	seen  int
}

// folder lists what is below at.
func (l *listing) folder(at place) error {
	root, err := openFolder(at.base)
	if err != nil {
		return err
	}
	defer root.Close()
	if info, err := root.Stat(at.name); err != nil || !info.IsDir() {
		return errors.Join(errNoFolder, escape(err))
	}
	return fs.WalkDir(root.FS(), at.name, func(name string, entry fs.DirEntry, err error) error {
		if err := errors.Join(context.Cause(l.ctx), err); err != nil {
			return err
		}
		if l.seen++; l.seen > maxEntries {
			return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "list", Subject: l.origin.String(),
				Err: fmt.Errorf("more than %d files and folders", maxEntries), Hint: "name a folder that holds one model"}
		}
		if entry.IsDir() {
			return nil
		}
		return l.file(root, name, below(name, at.name))
	})
}

// single lists the one file name of the folder at.
func (l *listing) single(at place, name string) error {
	root, err := openFolder(at.base)
	if err != nil {
		return err
	}
	defer root.Close()
	l.seen = 1
	return l.file(root, path.Join(at.name, name), name)
}

// file takes the file name of root, if it is selected. It is p in the model.
func (l *listing) file(root *os.Root, name, p string) error {
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
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = irregular(info.Mode())
	}
	if errors.Is(err, fs.ErrNotExist) {
		if link, other := root.Lstat(name); other == nil && link.Mode()&fs.ModeSymlink != 0 {
			err = fmt.Errorf("%w: it is a link to nothing", cachenode.ErrUnsafe)
		}
	}
	if err != nil {
		return l.source.fault(l.ctx, "list", l.source.uri(l.origin.Bucket, l.origin.Prefix+p), escape(err))
	}
	l.files = append(l.files, cachenode.File{Path: p, Size: info.Size(),
		Source: cachenode.Identity{Key: l.origin.Prefix + p, ETag: identity(info)}})
	return nil
}

// below is name as seen from dir.
func below(name, dir string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(name, dir+"/")
}

func openFolder(base string) (*os.Root, error) {
	root, err := os.OpenRoot(base)
	if err == nil {
		return root, nil
	}
	if info, other := os.Stat(base); other == nil && !info.IsDir() {
		return nil, errNoFolder
	}
	return nil, err //nolint:wrapcheck // fault classifies it
}
