// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package objectstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/juicedata/juicefs/pkg/object"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/ranged"
)

// Open implements [cachenode.Source].
func (s *Source) Open(ctx context.Context, o cachenode.Origin, f cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	subject := s.uri(o.Bucket, f.Source.Key)
	switch {
	case r.Off < 0 || r.Len < 0 || r.Len > f.Size || r.Off > f.Size-r.Len:
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "get", Subject: subject, Err: fmt.Errorf("bytes %d+%d of %d", r.Off, r.Len, f.Size)}
	case ctx.Err() != nil:
		return nil, fmt.Errorf("get %s: %w", subject, context.Cause(ctx))
	case r.Len == 0:
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	b, err := s.bucket(o.Bucket)
	if err != nil {
		return nil, err
	}
	p := &part{source: s, bucket: b, file: f, subject: subject, left: r.Len}
	in, err := b.Get(ctx, f.Source.Key, r.Off, r.Len)
	if err != nil {
		return nil, p.failed(ctx, err)
	}
	p.ctx, p.in = ctx, ranged.NewBody(ctx, in, r.Len, "get", subject)
	return p, nil
}

// part is a range that is not believed before the object was looked at once more.
type part struct {
	source  *Source
	bucket  object.ObjectStorage
	file    cachenode.File
	subject string

	ctx  context.Context //nolint:containedctx // the request's own
	in   io.ReadCloser
	left int64
}

// Read implements [io.Reader].
func (p *part) Read(buf []byte) (int, error) {
	n, err := p.in.Read(buf)
	p.left -= int64(n)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return n, p.failed(p.ctx, err)
	case p.left == 0 && n > 0: // the last bytes
		if changed := p.confirm(p.ctx); changed != nil {
			return 0, changed
		}
	}
	return n, err //nolint:wrapcheck // the end is no failure
}

// Close implements [io.Closer].
func (p *part) Close() error { return p.in.Close() } //nolint:wrapcheck // of no consequence to the reader

// failed tells an object that changed from a store that fails.
func (p *part) failed(ctx context.Context, err error) error {
	if changed := p.confirm(ctx); errors.Is(changed, cachenode.ErrChanged) {
		return changed
	}
	return p.source.fault(ctx, "get", p.subject, err)
}

// confirm compares the object with its identity in the manifest.
func (p *part) confirm(ctx context.Context) error {
	now, err := p.bucket.Head(ctx, p.file.Source.Key)
	switch {
	case gone(err):
		return &cachenode.Error{Kind: cachenode.ErrChanged, Op: "get", Subject: p.subject, Err: errors.New("it was deleted")}
	case err != nil:
		return p.source.fault(ctx, "get", p.subject, err)
	case identity(now) != p.file.Source.ETag:
		return &cachenode.Error{Kind: cachenode.ErrChanged, Op: "get", Subject: p.subject, Err: fmt.Errorf("it is %s, was %s", identity(now), p.file.Source.ETag)}
	}
	return nil
}
