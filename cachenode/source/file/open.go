// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hoist-dev/hoist/cachenode"
)

// Open implements [cachenode.Source].
func (s *Source) Open(ctx context.Context, o cachenode.Origin, f cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	subject := s.uri(o.Bucket, f.Source.Key)
	if r.Off < 0 || r.Len < 0 || r.Len > f.Size || r.Off > f.Size-r.Len {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open", Subject: subject, Err: fmt.Errorf("bytes %d+%d of %d", r.Off, r.Len, f.Size)}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("open %s: %w", subject, err)
	}
	at, err := s.content(o, f)
	if err != nil {
		return nil, err
	}
	file, err := openRegular(at)
	if err == nil {
		err = same(file, f)
	}
	if err != nil {
		if file != nil {
			_ = file.Close() // nothing was written
		}
		return nil, s.fault(ctx, "open", subject, gone(err))
	}
	h := &handle{file: file, of: f}
	return &body{ReadCloser: s.blocks.Open(ctx, r, h.readAt, h.confirm), source: s, ctx: ctx, handle: h, subject: subject}, nil
}

// openRegular opens a file that can't hold the opener up: what was a file when it was
// listed can be a pipe by now.
func openRegular(at place) (*os.File, error) {
	root, err := openFolder(at.base)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.OpenFile(at.name, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, escape(err)
	}
	return file, nil
}

// handle is an open file, used by several readers.
type handle struct {
	file *os.File
	of   cachenode.File
}

func (h *handle) readAt(_ context.Context, p []byte, off int64) error {
	n, err := h.file.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) { // it had more bytes when it was opened
		return fmt.Errorf("it ends at %d: %w", off+int64(n), cachenode.ErrChanged)
	}
	return err //nolint:wrapcheck // fault classifies it
}

func (h *handle) confirm(context.Context) error { return same(h.file, h.of) }

// same compares an open file with its identity in a manifest.
func same(file *os.File, f cachenode.File) error {
	info, err := file.Stat()
	switch {
	case err != nil:
		return err //nolint:wrapcheck // fault classifies it
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: %w", cachenode.ErrChanged, irregular(info.Mode()))
	case info.Size() != f.Size || identity(info) != f.Source.ETag:
		return fmt.Errorf("%w: %d bytes with the identity %s, had %d with %s", cachenode.ErrChanged, info.Size(), identity(info), f.Size, f.Source.ETag)
	}
	return nil
}

// body names the file in the errors of its stream.
type body struct {
	io.ReadCloser
	source  *Source
	ctx     context.Context //nolint:containedctx // the request's own: Read has to tell a cancel from a failure
	handle  *handle
	subject string
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err //nolint:wrapcheck // the end is no failure
	}
	return n, b.source.fault(b.ctx, "read", b.subject, err)
}

// Close implements [io.Closer]. A read that hangs keeps the file's descriptor until it returns.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	return errors.Join(err, b.handle.file.Close())
}
