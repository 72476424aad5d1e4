// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package hublayout shows a model as the cache of huggingface_hub has it, whatever its
// source is:
//
//	hub/models--OWNER--REPO/refs/main                  the commit
//	hub/models--OWNER--REPO/snapshots/COMMIT/...       the files
//
// With the model's folder as HF_HOME, or its hub folder as HF_HUB_CACHE, and
// HF_HUB_OFFLINE=1, from_pretrained("OWNER/REPO") finds it. Files are files and not links
// to blobs: the library takes both, as on systems without links.
// https://huggingface.co/docs/huggingface_hub/guides/manage-cache
//
// Only paths differ from the model as its source has it: blobs are shared with it.
package hublayout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// Source lays out what another source resolves.
type Source struct {
	inner cachenode.Source
	repo  string // "owner/repo"
}

var _ cachenode.Source = (*Source)(nil)

// New lays out inner as the repository owner/repo. A name that the Hub would not have is
// ErrInvalid.
func New(inner cachenode.Source, repo string) (*Source, error) {
	ref, err := cachenode.ParseRef("hf://" + repo)
	if err == nil && ref.String() != "hf://"+repo || ref.Key != "" || ref.VersionID != "" {
		err = errors.New("it is not written as owner/repo")
	}
	if err != nil {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "lay out as", Subject: fmt.Sprintf("%.200q", repo), Err: err, Hint: "name a repository of the Hub as owner/repo"}
	}
	return &Source{inner, repo}, nil
}

// root is the folder of the repository.
func (s *Source) root() string { return "hub/models--" + strings.ReplaceAll(s.repo, "/", "--") + "/" }

// ref is the path of the file that holds the commit.
func (s *Source) ref() string { return s.root() + "refs/main" }

// Resolve implements [cachenode.Source].
func (s *Source) Resolve(ctx context.Context, ref cachenode.Ref, sel cachenode.Selection) (cachenode.Manifest, error) {
	m, err := s.inner.Resolve(ctx, ref, sel)
	if err != nil {
		return cachenode.Manifest{}, err //nolint:wrapcheck // the source's own
	}
	commit := commitOf(m)
	files := make([]cachenode.File, 0, len(m.Files)+1)
	for _, f := range m.Files {
		f.Path = s.root() + "snapshots/" + commit + "/" + f.Path
		files = append(files, f)
	}
	files = append(files, cachenode.File{Path: s.ref(), Size: int64(len(commit)),
		Source: cachenode.Identity{Key: cachenode.Reserved + "/refs/main", ETag: `"` + commit + `"`}})
	return cachenode.NewManifest(m.Origin, files) //nolint:wrapcheck // a fault of this domain
}

// commitOf is the commit that m is of. A source without commits gets one from the
// revision, which is as good a name of exactly these bytes.
func commitOf(m cachenode.Manifest) string {
	if m.Origin.Commit != "" {
		return m.Origin.Commit
	}
	return m.Revision().Hex()[:40]
}

// Open implements [cachenode.Source].
func (s *Source) Open(ctx context.Context, o cachenode.Origin, f cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	if f.Path != s.ref() {
		return s.inner.Open(ctx, o, f, r) //nolint:wrapcheck // the source's own
	}
	commit := strings.Trim(f.Source.ETag, `"`)
	if r.Off < 0 || r.Len < 0 || r.Len > int64(len(commit)) || r.Off > int64(len(commit))-r.Len {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open", Subject: f.Path, Err: fmt.Errorf("bytes %d+%d of %d", r.Off, r.Len, len(commit))}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("open %s: %w", f.Path, err)
	}
	return io.NopCloser(strings.NewReader(commit[r.Off:r.End()])), nil
}

// Close implements [io.Closer].
func (s *Source) Close() error {
	if closer, ok := s.inner.(io.Closer); ok {
		return closer.Close() //nolint:wrapcheck // the source's own
	}
	return nil
}
