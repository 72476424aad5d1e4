// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// keeper works towards one wanted model.
type keeper struct {
	node *Node
	want Want
	wake chan struct{}
	ctx  context.Context
	stop context.CancelFunc
	done chan struct{}

	mu       sync.Mutex
	phase    Phase
	since    time.Time
	failure  error
	held     cachenode.Revision // "" while nothing is present
	bytes    int64              // of held
	release  func()             // gives the lease on held back
	progress *fetch.Progress    // of the fill that is running, or nil
	rate     fetch.Rate         // of progress
	memory   int64              // bytes of held that were in the page cache when it was looked at last
}

func newKeeper(n *Node, want Want) *keeper {
	ctx, stop := context.WithCancel(n.ctx)
	return &keeper{node: n, want: want, wake: make(chan struct{}, 1), ctx: ctx, stop: stop, done: make(chan struct{}),
		phase: Pending, since: time.Now(), release: func() {}}
}

// run adopts what is on the disk already and then keeps it complete and current.
func (k *keeper) run() {
	defer close(k.done)
	k.node.Metrics.looked(k.adopt())
	failures := 0
	for {
		wait := k.want.Refresh
		if err := k.pass(); err != nil {
			failures++
			wait = retryIn(failures, err)
			if k.want.Refresh > 0 {
				wait = min(wait, k.want.Refresh)
			}
		} else {
			failures = 0
		}
		if !k.sleep(wait) {
			return
		}
	}
}

// sleep waits for d, for ever if d is 0, and reports whether to go on.
func (k *keeper) sleep(d time.Duration) bool {
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-k.ctx.Done():
		return false
	case <-timer:
	case <-k.wake:
	}
	return true
}

// adopt takes over the revision that the model's name points to, if it came from
// the source that is wanted now, and reports whether there was one.
func (k *keeper) adopt() bool {
	rev, ok := k.node.Store.Named(k.want.Name)
	if !ok {
		return false
	}
	m, err := k.node.Store.Manifest(rev)
	if err != nil || !k.want.from(m.Origin) {
		return false
	}
	if err := k.hold(m); err != nil {
		k.node.Log.Warn("copy on disk not usable", "model", k.want.Name, "revision", rev, "err", err)
		return false
	}
	return true
}

// pass makes the newest revision present once.
func (k *keeper) pass() error {
	progress, start := new(fetch.Progress), time.Now()
	k.fetching(progress)
	m, err := k.node.fill(k.ctx, k.want, progress)
	if k.ctx.Err() == nil {
		k.node.Metrics.filled(time.Since(start), progress.Snapshot().Fetched, err)
	}
	if err == nil {
		err = k.hold(m)
	}
	if k.ctx.Err() != nil {
		return k.ctx.Err()
	}
	if err != nil {
		k.failed(err)
		k.node.Log.Error("model not brought up to date", "model", k.want.Name, "source", k.want.Ref.String(), "err", err)
	}
	return err
}

// hold leases m's revision, points the model's name at it, and lets go of the
// revision held before: both are live during the switch. It does so also if they are
// the same: the copy may have been quarantined, and this one fetched in its place.
func (k *keeper) hold(m cachenode.Manifest) error {
	rev := m.Revision()
	release, err := k.node.Store.Lease(rev)
	if err != nil {
		return err
	}
	if err := k.node.Store.SetName(k.want.Name, rev); err != nil {
		release()
		return err
	}
	k.mu.Lock()
	before := k.held
	k.release()
	k.held, k.bytes, k.release = rev, m.Bytes(), release
	k.mu.Unlock()
	if before != rev {
		k.node.Log.Info("model ready", "model", k.want.Name, "revision", rev, "bytes", m.Bytes())
	}
	k.mu.Lock()
	k.enter(Ready)
	k.failure, k.progress = nil, nil
	k.mu.Unlock()
	if k.want.Memory {
		k.node.warmSoon()
	}
	return nil
}

func (k *keeper) fetching(p *fetch.Progress) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.progress, k.rate = p, fetch.Rate{}
	if k.held == "" {
		k.enter(Fetching)
	}
}

func (k *keeper) failed(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failure, k.progress = err, nil
	if k.held == "" {
		k.enter(Failed)
	}
}

func (k *keeper) enter(p Phase) {
	if k.phase != p {
		k.phase, k.since = p, time.Now()
	}
}

// check makes the keeper fetch its revision again if that is not on the disk any more.
func (k *keeper) check() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == "" {
		return
	}
	release, err := k.node.Store.Lease(k.held)
	k.release() // maybe of a copy that was quarantined, and fetched again by another
	if err == nil {
		k.release = release
		return
	}
	k.held, k.bytes, k.memory, k.release = "", 0, 0, func() {}
	k.enter(Pending)
	k.hurry()
}

// retry ends the wait after a failure: somebody may have mended its cause.
func (k *keeper) retry() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure != nil {
		k.hurry()
	}
}

// hurry makes the next pass begin now.
func (k *keeper) hurry() {
	select {
	case k.wake <- struct{}{}:
	default: // it is awake already
	}
}

// end stops the work, waits for it and gives the lease back.
func (k *keeper) end() {
	k.stop()
	<-k.done
	k.mu.Lock()
	defer k.mu.Unlock()
	k.release()
	k.release = func() {}
}

// forget takes the name away: the model is not wanted any more.
func (k *keeper) forget() {
	if k.node.KeepNames {
		return
	}
	if err := k.node.Store.RemoveName(k.want.Name); err != nil {
		k.node.Log.Warn("name not removed", "model", k.want.Name, "err", err)
	}
}

func (k *keeper) status() ModelStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := ModelStatus{Name: k.want.Name, MemoryBytes: k.memory, Source: k.want.Ref.String(), Phase: k.phase, Revision: k.held,
		Bytes: k.bytes, BytesDone: k.bytes, BytesPerSecond: -1, RemainingSeconds: -1, Since: k.since}
	if k.held != "" {
		s.Path = k.node.Store.Path(k.held)
		s.RemainingSeconds = 0
	}
	if k.failure != nil {
		s.Error = k.failure.Error()
	}
	if k.progress != nil {
		describe(&s, k.progress.Snapshot(), &k.rate)
	}
	return s
}

func (w Want) equal(o Want) bool {
	return w.Name == o.Name && w.Ref == o.Ref && w.Source == o.Source && w.Revision == o.Revision && w.Memory == o.Memory &&
		w.Priority == o.Priority && w.Refresh == o.Refresh && w.Select.AllowPickle == o.Select.AllowPickle &&
		slices.Equal(w.Select.Include, o.Select.Include) && slices.Equal(w.Select.Exclude, o.Select.Exclude)
}

// from reports whether a manifest of origin o can have come from w's source.
func (w Want) from(o cachenode.Origin) bool {
	if o.Scheme != w.Ref.Scheme || o.Bucket != w.Ref.Bucket {
		return false
	}
	key := w.Ref.Key
	return o.Prefix == key || o.Prefix == key+"/" || !w.Ref.Dir() && o.Prefix == key[:strings.LastIndex(key, "/")+1]
}
