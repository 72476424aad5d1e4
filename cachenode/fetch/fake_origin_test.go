// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// origin is a Source that answers as its script says.
type origin struct {
	// script may fail a request, or replace the stream that answers it.
	script func(q *request) error
	// resolve answers Resolve.
	resolve func() (cachenode.Manifest, error)

	mu       sync.Mutex
	requests []*request
	tries    map[string]int
	open     int
	peak     int // most requests open at once
	bytes    int64
}

// request is one call of Open.
type request struct {
	ctx   context.Context
	file  cachenode.File
	at    cachenode.Range
	nth   int // of this file and chunk, from 1
	order int // of all, from 0
	open  int // requests open, this one included
	body  io.Reader
	done  bool
}

func (q *request) chunk() int     { return int(q.at.Off / cachenode.ChunkSize) }
func (q *request) String() string { return fmt.Sprintf("%s#%d", q.file.Path, q.chunk()) }

func (o *origin) Resolve(context.Context, cachenode.Ref, cachenode.Selection) (cachenode.Manifest, error) {
	return o.resolve()
}

func (o *origin) Open(ctx context.Context, _ cachenode.Origin, f cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	q := &request{ctx: ctx, file: f, at: r, body: &generator{seed: seedOf(f), off: r.Off, end: r.End()}}
	o.mu.Lock()
	if o.tries == nil {
		o.tries = map[string]int{}
	}
	o.tries[q.String()]++
	q.nth = o.tries[q.String()]
	q.order = len(o.requests)
	o.requests = append(o.requests, q)
	o.open++
	q.open = o.open
	o.peak = max(o.peak, o.open)
	o.mu.Unlock()
	if o.script != nil {
		if err := o.script(q); err != nil {
			o.leave(q)
			return nil, err
		}
	}
	return &answer{o, q}, nil
}

func (o *origin) leave(q *request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !q.done {
		q.done = true
		o.open--
	}
}

// calls counts the requests, and those for chunk i of a path.
func (o *origin) calls() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.requests)
}

// log lists requests as "path#chunk", in order.
func (o *origin) log() (l []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, q := range o.requests {
		l = append(l, q.String())
	}
	return l
}

func (o *origin) received() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes
}

type answer struct {
	o *origin
	q *request
}

func (a *answer) Read(p []byte) (int, error) {
	if err := a.q.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := a.q.body.Read(p)
	a.o.mu.Lock()
	a.o.bytes += int64(n)
	a.o.mu.Unlock()
	return n, err
}

func (a *answer) Close() error {
	a.o.leave(a.q)
	return nil
}

// generator reads a file from off to end.
type generator struct {
	seed     uint64
	off, end int64
}

func (g *generator) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), g.end-g.off)]
	if len(p) == 0 {
		return 0, io.EOF
	}
	fill(g.seed, g.off, p)
	g.off += int64(len(p))
	return len(p), nil
}

// slow passes bytes at a rate, in steps.
type slow struct {
	ctx            context.Context
	in             io.Reader
	bytesPerSecond int64
}

func (s *slow) Read(p []byte) (int, error) {
	n, err := s.in.Read(p[:min(int64(len(p)), max(s.bytesPerSecond/20, 1))])
	if wait(s.ctx, time.Duration(float64(n)/float64(s.bytesPerSecond)*float64(time.Second))) != nil {
		return 0, s.ctx.Err()
	}
	return n, err
}

// hung never answers until it is called off.
type hung struct{ ctx context.Context }

func (h hung) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

// flipped flips one bit of a stream.
type flipped struct {
	in io.Reader
	at int64 // byte, counted down
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.in.Read(p)
	if f.at >= 0 && f.at < int64(n) {
		p[f.at] ^= 0x10
	}
	f.at -= int64(n)
	return n, err
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
