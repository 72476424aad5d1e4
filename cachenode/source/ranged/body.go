// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package ranged

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/hoist-dev/hoist/cachenode"
)

// Body is the content of an answer, cut to the length that was asked for. It reads
// straight from the connection: a large buffer costs one copy, in the kernel. An answer
// that is too long is ErrUnavailable, one that is cut is ErrIncomplete.
type Body struct {
	ctx    context.Context //nolint:containedctx // the request's own: Read has to tell a cancel from a cut
	stream io.ReadCloser
	left   int64  // bytes to come
	op, of string // for messages
	err    error  // what ended it
}

// NewBody expects length bytes from stream. The operation and its subject are for messages.
func NewBody(ctx context.Context, stream io.ReadCloser, length int64, op, subject string) *Body {
	return &Body{ctx: ctx, stream: stream, left: length, op: op, of: subject}
}

// Read implements [io.Reader].
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if b.left == 0 {
		b.err = b.end()
		return 0, b.err
	}
	n, err := b.stream.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case err == nil || errors.Is(err, io.EOF) && b.left == 0:
		return n, nil
	default:
		b.err = b.cut(err)
		return n, b.err
	}
}

// end tells the end of the stream from a stream that goes on.
func (b *Body) end() error {
	var more [1]byte
	switch n, err := io.ReadFull(b.stream, more[:]); {
	case n > 0:
		return b.fault(cachenode.ErrUnavailable, errors.New("more bytes than were asked for"))
	case errors.Is(err, io.EOF):
		return io.EOF
	default:
		return b.cut(err)
	}
}

// cut says why the stream ended early.
func (b *Body) cut(err error) error {
	switch {
	case b.ctx.Err() != nil:
		return fmt.Errorf("%s %s: %w", b.op, b.of, context.Cause(b.ctx))
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return b.fault(cachenode.ErrIncomplete, fmt.Errorf("the answer ends %d bytes early", b.left))
	}
	return b.fault(cachenode.ErrUnavailable, err)
}

func (b *Body) fault(kind, err error) error {
	return &cachenode.Error{Kind: kind, Op: b.op, Subject: b.of, Err: err}
}

// Close implements [io.Closer]. A stream that was not read to its end takes its
// connection with it: reading the rest to save a handshake could take for ever.
func (b *Body) Close() error {
	return b.stream.Close() //nolint:wrapcheck // of no consequence to the reader
}
