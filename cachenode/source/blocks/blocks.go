// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package blocks makes a stream of what can only be read at an offset: a file, an object
// store's blocks. A few blocks are read ahead, each into a buffer of its own, so that a
// reader whose context ends comes back at once even where the read itself can't be
// called off, as on a file server that hangs.
package blocks

import (
	"context"
	"io"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

// Reader opens streams. It is safe for concurrent use and must not be copied.
type Reader struct {
	Size  int64 // of a block, in bytes; blocks begin at multiples of it
	Ahead int   // blocks of one stream that are read at a time, at least 1

	buffers sync.Pool // of *[]byte, Size long
}

// ReadAt fills p with the bytes at off, or says why it can't. It may outlive ctx.
type ReadAt func(ctx context.Context, p []byte, off int64) error

// Open streams r. Before the last bytes of r are handed out, confirm has to agree that
// all of them are what was asked for; nil is no question. The stream's errors are those
// of read and confirm, and the cause of ctx once that is over.
func (b *Reader) Open(ctx context.Context, r cachenode.Range, read ReadAt, confirm func(context.Context) error) io.ReadCloser {
	s := &stream{reader: b, read: read, confirm: confirm, next: r.Off, left: r.Len, end: r.End()}
	s.ctx, s.stop = context.WithCancelCause(ctx)
	for range max(b.Ahead, 1) {
		s.start()
	}
	return s
}

// stream is a range on its way. One goroutine reads it.
type stream struct {
	reader  *Reader
	read    ReadAt
	confirm func(context.Context) error

	ctx  context.Context //nolint:containedctx // the stream's own: Read has to come back when it ends
	stop context.CancelCauseFunc

	next, end int64    // what was not started yet
	left      int64    // bytes that were not handed out
	blocks    []*block // started, in order
	unread    []byte   // of the first block
	err       error    // what ended the stream
}

type block struct {
	buffer *[]byte
	bytes  []byte
	err    error
	done   chan struct{} // closed when the block was read
}

// start begins to read the next block, if there is one.
func (s *stream) start() {
	if s.next == s.end {
		return
	}
	n := min(s.reader.Size-s.next%s.reader.Size, s.end-s.next)
	b := &block{buffer: s.reader.take(), done: make(chan struct{})}
	b.bytes = (*b.buffer)[:n]
	off := s.next
	go func() {
		defer close(b.done)
		b.err = s.read(s.ctx, b.bytes, off)
	}()
	s.next += n
	s.blocks = append(s.blocks, b)
}

// Read implements [io.Reader].
func (s *stream) Read(p []byte) (int, error) {
	if s.err == nil && len(s.unread) == 0 {
		s.err = s.advance()
	}
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	if int64(len(p)) >= s.left && int64(len(s.unread)) == s.left && s.confirm != nil {
		if s.err = s.confirm(s.ctx); s.err != nil {
			return 0, s.err
		}
		s.confirm = nil
	}
	n := copy(p, s.unread)
	s.unread, s.left = s.unread[n:], s.left-int64(n)
	return n, nil
}

// advance waits for the next block.
func (s *stream) advance() error {
	if len(s.blocks) > 0 && s.blocks[0].bytes == nil { // it was handed out
		s.reader.give(s.blocks[0].buffer)
		s.blocks = s.blocks[1:]
		s.start()
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if len(s.blocks) == 0 {
		return io.EOF
	}
	b := s.blocks[0]
	select {
	case <-b.done:
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
	if b.err != nil {
		return b.err
	}
	s.unread, b.bytes = b.bytes, nil
	return nil
}

// Close ends the stream. It does not wait for blocks that are being read: each goes
// with the goroutine that reads it.
func (s *stream) Close() error {
	s.stop(context.Canceled)
	s.err, s.unread = io.ErrClosedPipe, nil
	return nil
}

func (b *Reader) take() *[]byte {
	if buffer, ok := b.buffers.Get().(*[]byte); ok {
		return buffer
	}
	buffer := make([]byte, b.Size)
	return &buffer
}

func (b *Reader) give(buffer *[]byte) { b.buffers.Put(buffer) }
