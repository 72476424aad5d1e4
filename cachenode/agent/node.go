// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/disk"
	"github.com/hoist-dev/hoist/cachenode/fetch"
	"github.com/hoist-dev/hoist/cachenode/warm"
)

// Options are what a Node is made of. All fields but Sources' entries and Available are required.
type Options struct {
	Store     *disk.Store
	Scheduler *fetch.Scheduler
	Sources   map[string]cachenode.Source // by URI scheme
	Inspector func(cachenode.Selection) cachenode.Inspector
	Metrics   *Metrics
	Log       *slog.Logger
	Version   string
	Scrub     ScrubConfig
	ReadAhead bool                            // into the page cache, what pods mount: see Ahead
	Available func() (bytes int64, err error) // of memory, to processes; nil is what the kernel says

	// KeepNames leaves the names of models that are not wanted any more, and so the proof that whoever asked for them by that
	// name could read their origin. Whoever sets it calls Forget.
	KeepNames bool
}

// Node keeps models present. Make it with NewNode, end it with Close.
type Node struct {
	Options
	ctx      context.Context
	stop     context.CancelFunc
	work     sync.WaitGroup
	draining atomic.Bool
	cold     chan struct{} // something may have to be warmed
	reading  chan struct{} // has an element while a copy is read ahead

	mu      sync.Mutex
	keepers map[string]*keeper
	ending  map[string]*keeper // of models that are not wanted any more
}

// NewNode starts the upkeep of the store: free space, health, scrub.
func NewNode(o Options) *Node {
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // the life of the node, not of a call
	if o.Available == nil {
		o.Available = warm.Available
	}
	n := &Node{Options: o, ctx: ctx, stop: stop, keepers: map[string]*keeper{}, ending: map[string]*keeper{}, cold: make(chan struct{}, 1), reading: make(chan struct{}, 1)}
	n.work.Go(n.reclaim)
	n.work.Go(n.warm)
	n.work.Go(n.scrub)
	return n
}

// Keep states what the node holds from now on. Models that were wanted before and
// are wanted in the same way are not disturbed; what has failed is tried again now.
func (n *Node) Keep(wants []Want) {
	n.mu.Lock()
	defer n.mu.Unlock()
	wanted := map[string]bool{}
	for _, want := range wants {
		wanted[want.Name] = true
		old := n.keepers[want.Name]
		if old != nil && old.want.equal(want) {
			old.retry()
			continue
		}
		before := cmp.Or(old, n.ending[want.Name])
		k := newKeeper(n, want)
		n.keepers[want.Name] = k
		n.work.Go(func() {
			if before != nil {
				before.end() // hands the name over before the new keeper takes it
			}
			k.run()
		})
	}
	for name, k := range n.keepers {
		if !wanted[name] {
			delete(n.keepers, name)
			n.ending[name] = k
			n.work.Go(func() { k.end(); n.ended(name, k) })
		}
	}
}

// ended takes the name of a model away, unless it is wanted again by now.
func (n *Node) ended(name string, k *keeper) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ending[name] == k {
		delete(n.ending, name)
	}
	if n.keepers[name] == nil {
		k.forget()
	}
}

// Drain makes the node unready and stops its downloads; what is verified stays.
// It returns when they have stopped.
func (n *Node) Drain() {
	n.draining.Store(true)
	n.mu.Lock()
	keepers := slices.Collect(maps.Values(n.keepers))
	n.mu.Unlock()
	for _, k := range keepers {
		k.end()
	}
}

// Close drains, then stops the upkeep. The store and the scheduler are the caller's.
func (n *Node) Close() {
	n.Drain()
	n.stop()
	n.work.Wait()
}

// Status is what the node knows about itself now.
func (n *Node) Status() Status {
	n.mu.Lock()
	keepers := slices.Collect(maps.Values(n.keepers))
	n.mu.Unlock()
	s := Status{Version: n.Version, Models: make([]ModelStatus, 0, len(keepers)), Cache: cacheStatus(n.Store), Fetch: fetchStatus(n.Scheduler)}
	for _, k := range keepers {
		s.Models = append(s.Models, k.status())
	}
	slices.SortFunc(s.Models, func(a, b ModelStatus) int { return cmp.Compare(a.Name, b.Name) })
	s.Reasons = s.reasons(n.draining.Load())
	s.Ready = len(s.Reasons) == 0
	return s
}

// reclaimEvery is how soon the cache gives way when others fill the disk. The
// kubelet looks at DiskPressure every 10 s, so Hoist looks as often.
const reclaimEvery = 10 * time.Second

func (n *Node) reclaim() {
	every(n.ctx, reclaimEvery, func() {
		if err := n.Store.Reclaim(n.ctx); err != nil && n.ctx.Err() == nil {
			n.Log.Warn("free-space floor not kept", "err", err)
		}
	})
}

func (n *Node) scrub() {
	rate := int64(n.Scrub.Rate)
	every(n.ctx, time.Duration(n.Scrub.Every), func() {
		result, err := n.Store.Scrub(n.ctx, rate, func(bad cachenode.Revision) {
			n.Log.Error("bit rot found, copy quarantined and fetched again", "revision", bad)
			n.refetchLost()
		})
		n.Metrics.scrubbedBy(result)
		if err != nil && !errors.Is(err, context.Canceled) {
			n.Log.Error("not all was scrubbed", "err", err)
		}
		n.refetchLost()
	})
}

// refetchLost wakes the keepers of revisions that are gone.
func (n *Node) refetchLost() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, k := range n.keepers {
		k.check()
	}
}

// every calls do at an interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	if interval <= 0 {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}
