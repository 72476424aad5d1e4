// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"context"
	"io"

	"github.com/hoist-dev/hoist/cachenode"
)

// Fault is one way for an answer to go wrong. Make it with Fail, Flip, Cut or Stall.
type Fault struct {
	err  error // instead of an answer
	hits func(r cachenode.Range) bool
	wrap func(ctx context.Context, body io.Reader, r cachenode.Range) io.Reader
}

// Fail makes Open return err.
func Fail(err error) Fault { return Fault{err: err, hits: everywhere} }

// Flip flips the lowest bit of the byte at off of the object, in answers that hold it.
func Flip(off int64) Fault {
	return Fault{
		hits: func(r cachenode.Range) bool { return r.Off <= off && off < r.End() },
		wrap: func(_ context.Context, body io.Reader, r cachenode.Range) io.Reader {
			return &flipped{body, off - r.Off}
		},
	}
}

// Cut ends the answer after n bytes, with the error of a broken connection.
func Cut(n int64) Fault {
	return Fault{hits: everywhere, wrap: func(_ context.Context, body io.Reader, _ cachenode.Range) io.Reader {
		return io.MultiReader(io.LimitReader(body, n), failing{&cachenode.Error{Kind: cachenode.ErrIncomplete, Op: "read", Err: io.ErrUnexpectedEOF}})
	}}
}

// Stall stops the answer after n bytes, without an end.
func Stall(n int64) Fault {
	return Fault{hits: everywhere, wrap: func(ctx context.Context, body io.Reader, _ cachenode.Range) io.Reader {
		return io.MultiReader(io.LimitReader(body, n), hung{ctx})
	}}
}

func everywhere(cachenode.Range) bool { return true }

// fault is a Fault that happens a number of times more.
type fault struct {
	Fault
	times int
}

// Inject makes the next times answers about key go wrong; those that a fault does
// not concern don't count. Faults of one key happen one after the other.
func (s *MemSource) Inject(key string, times int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[key] = append(s.faults[key], &fault{f, times})
}

// next uses up a fault of key that concerns r, or returns nil. s.mu is held.
func (s *MemSource) next(key string, r cachenode.Range) *fault {
	for _, f := range s.faults[key] {
		if f.times > 0 && f.hits(r) {
			f.times--
			return f
		}
	}
	return nil
}

type flipped struct {
	body io.Reader
	left int64 // bytes before the one to flip; negative when it is done
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.body.Read(p)
	if f.left >= 0 && f.left < int64(n) {
		p[f.left] ^= 1
	}
	f.left -= int64(n)
	return n, err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type hung struct{ ctx context.Context }

func (h hung) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}
