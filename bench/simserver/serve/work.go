// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
)

const (
	defaultTokens = 2    // make "simulated answer"
	maxTokens     = 4096 // however many are asked for
	bytesPerToken = 4    // of a prompt: an estimate
)

var errLoading = errors.New("the simulated server loads its weights: ask again later")

// work is a request in tokens, and when it ran, had its first token and had all, counted from when it came.
type work struct {
	prompt, tokens     int
	queued, first, all time.Duration
}

func newWork(promptBytes, tokens int) (work, error) {
	if promptBytes == 0 || tokens < 0 {
		return work{}, errors.New("the request has no input or negative tokens: send a prompt, messages or inputs")
	}
	return work{prompt: 1 + promptBytes/bytesPerToken, tokens: min(cmp.Or(tokens, defaultTokens), maxTokens)}, nil
}

// text is the answer, a word for every token.
func (w work) text() (first, rest string) { return "simulated", strings.Repeat(" answer", w.tokens-1) }

// serve takes a request through the queue and its service time, of which every token takes the same share. onFirst is called when
// the first one is there.
func (s *Server) serve(ctx context.Context, w work, onFirst func() error) error {
	if !s.ready.Load() {
		return errLoading
	}
	came := time.Now()
	s.tally.update(func(c *counts) { c.requests++ })
	turn, err := s.queue.enter(ctx)
	if err != nil {
		return err
	}
	defer s.queue.leave(turn)
	w.queued = time.Since(came)
	service := s.times.draw()
	share := service / time.Duration(w.tokens)
	if err := sleep(ctx, share); err != nil {
		return err
	}
	w.first = time.Since(came)
	if err := onFirst(); err != nil {
		return err
	}
	if err := sleep(ctx, service-share); err != nil {
		return err
	}
	w.all = time.Since(came)
	s.tally.update(func(c *counts) { c.served(w) })
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
