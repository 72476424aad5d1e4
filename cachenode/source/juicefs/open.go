// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/juicedata/juicefs/pkg/meta"

	"github.com/hoist-dev/hoist/cachenode"
)

// Open implements [cachenode.Source].
func (s *Source) Open(ctx context.Context, o cachenode.Origin, f cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	subject := cachenode.Ref{Scheme: Scheme, Bucket: o.Bucket, Key: f.Source.Key}.String()
	if r.Off < 0 || r.Len < 0 || r.Len > f.Size || r.Off > f.Size-r.Len {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open", Subject: subject, Err: fmt.Errorf("bytes %d+%d of %d", r.Off, r.Len, f.Size)}
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("open %s: %w", subject, context.Cause(ctx))
	}
	v, err := s.use(ctx)
	if err != nil {
		return nil, err
	}
	h := &handle{volume: v, file: f}
	if v.uuid != o.Endpoint {
		err = fmt.Errorf("%w: it is the volume %s now, was %s", cachenode.ErrChanged, v.uuid, o.Endpoint)
	} else {
		err = h.open(ctx)
	}
	if err != nil {
		s.release(v)
		return nil, fault(ctx, "open", subject, err)
	}
	return &stream{ctx: ctx, handle: h, subject: subject, at: r.Off, left: r.Len, chunk: -1, release: sync.OnceFunc(func() { s.release(v) })}, nil
}

// handle is a file that is being read.
type handle struct {
	volume *volume
	file   cachenode.File
	inode  meta.Ino
}

// open finds the file, which has to be the pinned one.
func (h *handle) open(ctx context.Context) error {
	n, err := h.volume.find(ctx, h.file.Source.Key)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w: it was deleted", cachenode.ErrChanged)
	}
	if err != nil {
		return err
	}
	h.inode = n.inode
	return h.same(n)
}

// confirm looks whether the file is still the pinned one.
func (h *handle) confirm(ctx context.Context) error {
	n := node{inode: h.inode}
	if st := h.volume.meta.GetAttr(meta.WrapContext(ctx), h.inode, &n.attr); errors.Is(st, syscall.ENOENT) {
		return fmt.Errorf("%w: it was deleted", cachenode.ErrChanged)
	} else if st != 0 {
		return st
	}
	return h.same(n)
}

func (h *handle) same(n node) error {
	if n.attr.Typ != meta.TypeFile || n.identity() != h.file.Source.ETag {
		return fmt.Errorf("%w: it is %s, was %s", cachenode.ErrChanged, n.identity(), h.file.Source.ETag)
	}
	return nil
}
