// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/time/rate"

	"github.com/hoist-dev/hoist/cachenode"
)

// stream is the answer to one request, as the hot path reads it: bytes are counted
// and shaped, and a read that brings nothing for too long cancels the request. Any
// byte is progress: a slow connection lives on, and time spent in checksums, on
// the disk or waiting for the bandwidth cap is not the origin's fault.
type stream struct {
	a     *attempt
	body  io.ReadCloser
	stall *time.Timer
	got   int64
}

// newStream prepares for a request that cancel ends.
func newStream(a *attempt, cancel context.CancelCauseFunc) *stream {
	after := a.s.StallAfter
	stall := time.AfterFunc(after, func() {
		cancel(&cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "read", Subject: a.chunk.flight.file.Path,
			Err: fmt.Errorf("no byte for %v", after)})
	})
	return &stream{a: a, stall: stall}
}

// open makes the request, watched like a read.
func (s *stream) open(request func() (io.ReadCloser, error)) (err error) {
	s.body, err = request()
	s.stall.Stop()
	return err
}

func (s *stream) Read(p []byte) (int, error) {
	p = s.a.s.shaper.clip(p)
	s.stall.Reset(s.a.s.StallAfter)
	n, err := s.body.Read(p)
	s.stall.Stop()
	s.got += int64(n)
	s.a.got.Add(int64(n))
	s.a.s.received.Add(int64(n))
	if err := s.a.s.shaper.wait(s.a.ctx, n); err != nil {
		return n, err
	}
	return n, err
}

// close ends the request. Whatever the origin has to say about that comes too late.
func (s *stream) close() { _ = s.body.Close() }

// shaper holds the node below a bandwidth. A nil shaper lets everything pass.
type shaper struct{ tokens *rate.Limiter }

// newShaper caps at bytesPerSecond, or not at all if that is 0. What passes at
// once is a tenth of a second's worth.
func newShaper(bytesPerSecond int64) *shaper {
	if bytesPerSecond <= 0 {
		return nil
	}
	burst := min(max(bytesPerSecond/10, 16<<10), 1<<20)
	return &shaper{rate.NewLimiter(rate.Limit(bytesPerSecond), int(burst))}
}

// clip shortens p to what may pass at once.
func (s *shaper) clip(p []byte) []byte {
	if s == nil {
		return p
	}
	return p[:min(len(p), s.tokens.Burst())]
}

// wait delays the reader that has read n bytes.
func (s *shaper) wait(ctx context.Context, n int) error {
	if s == nil {
		return nil
	}
	return s.tokens.WaitN(ctx, n)
}
