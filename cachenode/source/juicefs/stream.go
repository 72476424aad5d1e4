// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/juicedata/juicefs/pkg/meta"

	"github.com/hoist-dev/hoist/cachenode"
)

// stream is a range of a file: the parts of blocks that it is made of, one after the
// other, straight from the object store. fetch has many streams, so one needs no more
// than one request at a time.
type stream struct {
	ctx     context.Context //nolint:containedctx // the request's own: Read has to tell a cancel from a failure
	handle  *handle
	subject string
	release func()

	at, left int64        // offset in the file, and bytes to come
	chunk    int64        // whose slices are known, -1 is none
	slices   []meta.Slice // of chunk
	part     io.ReadCloser
	inPart   int64 // bytes of part to come
	err      error // what ended the stream
}

// Read implements [io.Reader].
func (s *stream) Read(p []byte) (int, error) {
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	n, err := s.read(p)
	if err != nil {
		s.err = err
		if !errors.Is(err, io.EOF) {
			s.err = fault(s.ctx, "read", s.subject, err)
		}
	}
	return n, s.err
}

func (s *stream) read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	if s.inPart == 0 {
		if err := s.next(); err != nil {
			return 0, s.failed(err)
		}
	}
	n, err := s.part.Read(p[:min(int64(len(p)), s.inPart)])
	s.at, s.left, s.inPart = s.at+int64(n), s.left-int64(n), s.inPart-int64(n)
	switch {
	case s.left == 0: // the last bytes, if the file is still the pinned one
		if err := s.handle.confirm(s.ctx); err != nil {
			return 0, err
		}
	case err != nil && s.inPart > 0:
		return n, s.failed(fmt.Errorf("a block ends %d bytes early: %w", s.inPart, err))
	}
	return n, nil
}

// next opens the part that begins where the last one ended.
func (s *stream) next() error {
	s.endPart()
	v := s.handle.volume
	if chunk := s.at / meta.ChunkSize; chunk != s.chunk {
		if st := v.meta.Read(meta.WrapContext(s.ctx), s.handle.inode, uint32(chunk), &s.slices); st != 0 {
			return st
		}
		s.chunk = chunk
	}
	p := v.locate(s.slices, s.at%meta.ChunkSize)
	p.len = min(p.len, s.left)
	part, err := v.open(s.ctx, p)
	if err != nil {
		return err
	}
	s.part, s.inPart = part, p.len
	return nil
}

func (s *stream) endPart() {
	if s.part != nil {
		_ = s.part.Close() // it was only read from
		s.part = nil
	}
}

// failed looks whether the file is to blame: a block that is gone was compacted away, or
// belonged to what was overwritten.
func (s *stream) failed(err error) error {
	if s.ctx.Err() != nil {
		return err
	}
	if changed := s.handle.confirm(s.ctx); errors.Is(changed, cachenode.ErrChanged) {
		return changed
	}
	return err
}

// Close implements [io.Closer].
func (s *stream) Close() error {
	s.endPart()
	s.err = io.ErrClosedPipe
	s.release()
	return nil
}
