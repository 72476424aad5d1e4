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

// node is something in a volume.
type node struct {
	inode meta.Ino
	attr  meta.Attr
}

// identity of a file's content.
func (n node) identity() string {
	return fmt.Sprintf(`"%x-%x-%x.%x"`, uint64(n.inode), n.attr.Length, n.attr.Mtime, n.attr.Mtimensec)
}

// maxLinks bounds how many links one path may have, as the kernel does.
const maxLinks = 40

var errLinks = fmt.Errorf("%w: too many links in one path", cachenode.ErrUnsafe)

// find walks to a path, following links. A volume is a world of its own: no link leads
// out of it, as ".." of its root is its root.
func (v *volume) find(ctx context.Context, p string) (node, error) {
	return v.follow(ctx, path.Clean("/"+p), new(int))
}

// follow is find with a count of the links so far.
func (v *volume) follow(ctx context.Context, p string, links *int) (node, error) {
	at := node{inode: meta.RootInode}
	c := meta.WrapContext(ctx)
	if st := v.meta.GetAttr(c, at.inode, &at.attr); st != 0 {
		return node{}, st
	}
	names := strings.Split(strings.Trim(p, "/"), "/")
	for i, name := range names {
		if name == "" {
			continue
		}
		var next node
		if st := v.meta.Lookup(c, at.inode, name, &next.inode, &next.attr, true); st != 0 {
			return node{}, st
		}
		if next.attr.Typ == meta.TypeSymlink {
			if *links++; *links > maxLinks {
				return node{}, errLinks
			}
			var target []byte
			if st := v.meta.ReadLink(c, next.inode, &target); st != 0 {
				return node{}, st
			}
			return v.follow(ctx, path.Join(behind(names[:i], string(target)), path.Join(names[i+1:]...)), links)
		}
		at = next
	}
	return at, nil
}

// behind is where a link in the folder of names leads.
func behind(names []string, target string) string {
	if path.IsAbs(target) {
		return path.Clean(target)
	}
	return path.Join("/", path.Join(names...), target)
}

// list is what is in a folder, but for "." and "..".
func (v *volume) list(ctx context.Context, folder meta.Ino) ([]*meta.Entry, error) {
	var all []*meta.Entry
	if st := v.meta.Readdir(meta.WrapContext(ctx), folder, 1, &all); st != 0 {
		return nil, st
	}
	entries := all[:0]
	for _, e := range all {
		if name := string(e.Name); name != "." && name != ".." {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// fault is the one place where what the library says becomes an error of Hoist.
func fault(ctx context.Context, op, subject string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", op, subject, context.Cause(ctx))
	}
	if known, ok := errors.AsType[*cachenode.Error](err); ok {
		return known
	}
	e := &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: op, Subject: subject, Err: err, Hint: "look at the volume's metadata server and object store"}
	switch {
	case errors.Is(err, cachenode.ErrUnsafe):
		e.Kind, e.Hint = cachenode.ErrUnsafe, "put the file in place of the link, or leave it out with --exclude"
	case errors.Is(err, cachenode.ErrChanged):
		e.Kind, e.Hint = cachenode.ErrChanged, ""
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		e.Kind, e.Hint = cachenode.ErrNotFound, "check the path in the volume"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		e.Kind, e.Hint = cachenode.ErrDenied, "let the user of the metadata read it"
	}
	return e
}
