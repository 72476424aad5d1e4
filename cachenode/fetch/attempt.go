// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

// attempt is one request for what is missing of a chunk.
type attempt struct {
	s     *Scheduler
	chunk *chunk
	ctx   context.Context //nolint:containedctx // of the attempt's goroutine
	stop  context.CancelCauseFunc

	placement cachenode.Placement
	peers     cachenode.Peers // nil: straight to the origin
	began     time.Time
	asked     int64        // bytes
	got       atomic.Int64 // bytes
}

// Why an attempt or a flight ends without being at fault.
var (
	errLost   = errors.New("another attempt was faster")
	errClosed = fmt.Errorf("fetch is closing: %w", context.Canceled)
)

// newAttempt prepares a request for c. s.mu is held.
func newAttempt(s *Scheduler, c *chunk) *attempt {
	a := &attempt{s: s, chunk: c, placement: c.rank().priority.Placement(), began: time.Now(), asked: c.rest(c.claimed.Load()).Len}
	a.ctx, a.stop = context.WithCancelCause(c.flight.ctx)
	if !c.noPeers && c.flight.object.Verifies() {
		a.peers = s.Peers // what can't be verified is not taken from a peer
	}
	return a
}

// run fetches the chunk from a peer if one has it, else from the origin.
func (a *attempt) run() error {
	defer a.stop(nil)
	buf, err := a.s.pool.get(a.ctx)
	if err != nil {
		return context.Cause(a.ctx)
	}
	defer a.s.pool.put(buf)
	f := a.chunk.flight
	if a.peers != nil {
		err := a.fetch(originPeer, buf, func(ctx context.Context, r cachenode.Range) (io.ReadCloser, error) {
			return a.peers.Open(ctx, f.key.blob, r)
		})
		if err == nil || a.ctx.Err() != nil || err == errLost { //nolint:errorlint // never wrapped
			return err
		}
		a.s.locked(func() { a.chunk.noPeers = true })
	}
	return a.fetch(f.origin.Scheme, buf, func(ctx context.Context, r cachenode.Range) (io.ReadCloser, error) {
		return f.source.Open(ctx, f.origin, f.file, r)
	})
}

// opener is Source.Open or Peers.Open with the blob filled in.
type opener func(context.Context, cachenode.Range) (io.ReadCloser, error)

// fetch makes one request and takes what it answers. A request that fails or is
// called off is told apart by the cause of its context.
func (a *attempt) fetch(kind string, buf []byte, open opener) error {
	first := a.chunk.claimed.Load()
	if first == a.chunk.pieces() {
		return errLost // since the attempt was started
	}
	ctx, stop := context.WithCancelCause(a.ctx)
	defer stop(nil)
	in := newStream(a, stop)
	err := in.open(func() (io.ReadCloser, error) { return open(ctx, a.chunk.rest(first)) })
	if err == nil {
		err = a.take(in, first, buf)
		in.close()
	}
	a.s.Observer.Received(kind, in.got)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		a.s.Observer.Fetched(kind, time.Since(a.began))
	}
	return err
}

// take moves the chunk's bytes from piece first on: in -> buf -> checksums -> disk.
// This is the hot path: nothing is allocated and nothing is shared per piece but
// the claim.
func (a *attempt) take(in io.Reader, first int32, buf []byte) error {
	c := a.chunk
	summed := checksum.Reader{R: in}
	for i := first; i < c.pieces(); i++ {
		at := c.piece(i)
		p := buf[:at.Len]
		if _, err := io.ReadFull(&summed, p); err != nil {
			return cutShort(err, c.flight.file)
		}
		crc := summed.Take()
		if !c.claim(i) {
			return errLost
		}
		if err := c.flight.keep(p, at.Off, a.placement); err != nil {
			return err
		}
		if c.wrote(i, crc) {
			return a.s.arrive(a)
		}
	}
	return nil
}

// cutShort names a stream that ended before its range did.
func cutShort(err error, f cachenode.File) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &cachenode.Error{Kind: cachenode.ErrIncomplete, Op: "read", Subject: f.Path, Err: err}
	}
	return err
}
