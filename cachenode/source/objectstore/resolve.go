// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package objectstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/juicedata/juicefs/pkg/object"

	"github.com/hoist-dev/hoist/cachenode"
)

// Bounds on a listing.
const (
	pageSize = 1000
	maxKeys  = 100_000
	maxPages = 10_000
)

// Resolve implements [cachenode.Source].
func (s *Source) Resolve(ctx context.Context, ref cachenode.Ref, sel cachenode.Selection) (cachenode.Manifest, error) {
	if ref.Scheme != s.config.Scheme || ref.VersionID != "" {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "resolve", Subject: ref.String(), Err: fmt.Errorf("want %s:// and no version", s.config.Scheme)}
	}
	if ctx.Err() != nil {
		return cachenode.Manifest{}, fmt.Errorf("resolve %s: %w", ref, context.Cause(ctx))
	}
	b, err := s.bucket(ref.Bucket)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	prefix, found, err := find(ctx, b, ref)
	if err != nil {
		return cachenode.Manifest{}, s.fault(ctx, "resolve", ref.String(), err)
	}
	files, err := choose(found, prefix, sel)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	if len(files) == 0 {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "resolve", Subject: ref.String(),
			Err: fmt.Errorf("none of %d files is selected", len(found)), Hint: "check the prefix, --include and --exclude"}
	}
	origin := cachenode.Origin{Scheme: s.config.Scheme, Endpoint: s.config.Bucket(""), Bucket: ref.Bucket, Prefix: prefix}
	return cachenode.NewManifest(origin, files) //nolint:wrapcheck // a fault of this domain
}

// find lists the directory that ref names, or else finds the object.
func find(ctx context.Context, b object.ObjectStorage, ref cachenode.Ref) (prefix string, found []object.Object, err error) {
	prefix = ref.Key
	if !ref.Dir() {
		prefix += "/"
	}
	found, err = list(ctx, b, prefix)
	if err != nil || len(found) > 0 || ref.Dir() {
		return prefix, found, err
	}
	one, err := b.Head(ctx, ref.Key)
	if err != nil {
		return "", nil, err //nolint:wrapcheck // fault classifies it
	}
	return ref.Key[:strings.LastIndex(ref.Key, "/")+1], []object.Object{one}, nil
}

// list returns what is under prefix, without the keys that stand for directories.
func list(ctx context.Context, b object.ObjectStorage, prefix string) ([]object.Object, error) {
	var found []object.Object
	token, after := "", ""
	for range maxPages {
		page, more, next, err := b.List(ctx, prefix, after, token, "", pageSize, false)
		if err != nil {
			return nil, err //nolint:wrapcheck // fault classifies it
		}
		for _, o := range page {
			if !strings.HasPrefix(o.Key(), prefix) {
				return nil, fmt.Errorf("%.200q is listed and not under the prefix", o.Key())
			}
			if !strings.HasSuffix(o.Key(), "/") {
				found = append(found, o)
			}
			after = o.Key()
		}
		if !more {
			return found, nil
		}
		if token = next; len(found) > maxKeys || len(page) == 0 && token == "" {
			break
		}
	}
	return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "list", Subject: prefix, Err: fmt.Errorf("more than %d files or %d pages", maxKeys, maxPages), Hint: "name a directory that holds one model"}
}

// choose makes files of what sel takes. What is left out may have any name; what is taken
// must be a safe path.
func choose(found []object.Object, prefix string, sel cachenode.Selection) ([]cachenode.File, error) {
	var files []cachenode.File
	for _, o := range found {
		p := strings.TrimPrefix(o.Key(), prefix)
		take, err := sel.Take(p)
		if !take && err == nil {
			continue
		}
		if _, unclean := cachenode.CleanKey(p); unclean != nil {
			return nil, unclean //nolint:wrapcheck // names the file
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // names the file
		}
		files = append(files, cachenode.File{Path: p, Size: o.Size(), Source: cachenode.Identity{Key: o.Key(), ETag: identity(o)}})
	}
	return files, nil
}
