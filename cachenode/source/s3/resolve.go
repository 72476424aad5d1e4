// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/hoist-dev/hoist/cachenode"
)

// concurrentHeads bounds the requests of one Resolve.
const concurrentHeads = 16

// Resolve implements [cachenode.Source]. It needs s3:ListBucket and s3:GetObject; for
// a single object the latter is enough.
func (s *Source) Resolve(ctx context.Context, ref cachenode.Ref, sel cachenode.Selection) (cachenode.Manifest, error) {
	if ref.Scheme != s.scheme {
		return cachenode.Manifest{}, invalid("resolve", ref.String(), fmt.Errorf("scheme %q, want %q", ref.Scheme, s.scheme), "")
	}
	if ref.VersionID == "" {
		dir := ref.Key
		if !ref.Dir() {
			dir += "/"
		}
		keys, err := s.list(ctx, ref.Bucket, dir)
		switch {
		case err == nil && len(keys) > 0:
			return s.pin(ctx, ref, sel, dir, keys)
		case err == nil && ref.Dir():
			return cachenode.Manifest{}, s.nothing(ctx, ref)
		case err != nil && (ref.Dir() || !errors.Is(err, cachenode.ErrDenied)):
			return cachenode.Manifest{}, err
		}
	}
	// Not a directory, or not one that we may list.
	m, err := s.pin(ctx, ref, sel, ref.Key[:strings.LastIndex(ref.Key, "/")+1], []string{ref.Key})
	if errors.Is(err, cachenode.ErrNotFound) {
		err = s.nothing(ctx, ref)
	}
	return m, err
}

// nothing says that ref names nothing, and what is near it.
func (s *Source) nothing(ctx context.Context, ref cachenode.Ref) error {
	hint := s.nearby(ctx, ref)
	if ctx.Err() != nil {
		return fmt.Errorf("resolve %s: %w", ref, context.Cause(ctx))
	}
	return &cachenode.Error{
		Kind: cachenode.ErrNotFound, Op: "resolve", Subject: ref.String(),
		Err: errors.New("no directory and no object of that name"), Hint: cmp.Or(hint, "check the bucket and the prefix"),
	}
}

// pin asks for the identity of those of keys that sel takes. All keys begin with dir.
func (s *Source) pin(ctx context.Context, ref cachenode.Ref, sel cachenode.Selection, dir string, keys []string) (cachenode.Manifest, error) {
	paths, err := choose(keys, dir, sel)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	if len(paths) == 0 {
		return cachenode.Manifest{}, &cachenode.Error{
			Kind: cachenode.ErrNotFound, Op: "resolve", Subject: ref.String(),
			Err: fmt.Errorf("none of %d files is selected", len(keys)), Hint: "check --include and --exclude",
		}
	}
	files := make([]cachenode.File, len(paths))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(concurrentHeads)
	for i, p := range paths {
		group.Go(func() error {
			file, err := s.head(within, ref.Bucket, dir+p, ref.VersionID)
			file.Path = p
			files[i] = file
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return cachenode.Manifest{}, err //nolint:wrapcheck // head names the object
	}
	origin := cachenode.Origin{Scheme: s.scheme, Endpoint: s.endpoint, Bucket: ref.Bucket, Prefix: dir}
	return cachenode.NewManifest(origin, files) //nolint:wrapcheck // a fault of this domain
}

// choose returns the paths below dir of the keys that sel takes. What is left out may
// have any name; what is taken must be a safe path.
func choose(keys []string, dir string, sel cachenode.Selection) ([]string, error) {
	var paths []string
	for _, key := range keys {
		rest := strings.TrimPrefix(key, dir)
		take, err := sel.Take(rest)
		if !take && err == nil {
			continue
		}
		if _, unclean := cachenode.CleanKey(rest); unclean != nil {
			return nil, unclean //nolint:wrapcheck // names the key
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // names the key
		}
		paths = append(paths, rest)
	}
	return paths, nil
}
