// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/hoist-dev/hoist/cachenode"
)

// Job is a manifest that should be present in a store.
type Job struct {
	Source    cachenode.Source
	Store     cachenode.Store
	Manifest  cachenode.Manifest
	Priority  cachenode.Priority
	Inspector cachenode.Inspector // judges content before it is sealed; nil trusts it
	Progress  *Progress           // where to follow the job; nil is nowhere
}

// openFiles is how many files of a job are open at a time. More than there are
// connections, so that sealing small files does not starve them.
const openFiles = 128

// Fill makes every file of the job present, verified and sealed, and publishes the
// revision. A file that another job is fetching is waited for, not fetched twice.
// The first failure ends the job; what was verified stays in the store.
//
// A shared flight uses the Source and the Inspector of the job that started it.
func (s *Scheduler) Fill(ctx context.Context, job Job) error {
	job.Progress.begin(job.Manifest.Bytes())
	filling, err := job.Store.Begin(ctx, job.Manifest)
	if err != nil {
		return err
	}
	claim := &claim{filling: filling, holders: 1}
	defer claim.release()
	if err := s.fly(ctx, job, claim); err != nil {
		return err
	}
	job.Progress.enter(Publishing)
	if err := filling.Publish(ctx); err != nil {
		return err
	}
	job.Progress.enter(Done)
	return nil
}

// fly takes every file of the job through its flight, in order.
func (s *Scheduler) fly(ctx context.Context, job Job, claim *claim) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(openFiles)
	for _, file := range job.Manifest.Files {
		seat, err := s.join(groupCtx, job, file, claim)
		if err != nil {
			group.Go(func() error { return err })
			break
		}
		job.Progress.follow(seat.flight)
		group.Go(func() error {
			defer job.Progress.settle(seat.flight)
			return seat.wait(groupCtx)
		})
	}
	return group.Wait()
}

// claim keeps a Filling open while a job or a flight needs it: a flight can outlive
// the job that started it.
type claim struct {
	filling cachenode.Filling

	mu      sync.Mutex
	holders int
}

func (c *claim) retain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holders++
}

func (c *claim) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holders--; c.holders == 0 {
		c.filling.End()
	}
}
