// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// fill makes present what w wants, and returns its manifest.
//
// A pinned revision that the store has under w's name needs no origin: somebody read that origin for this name before. Under
// another name it does, although no byte is fetched twice: who can't list the origin gets no copy of what others fetched from it.
func (n *Node) fill(ctx context.Context, w Want, progress *fetch.Progress) (cachenode.Manifest, error) {
	if m, ok := n.proven(w); ok {
		return m, nil
	}
	source, err := n.source(w)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	if w.Revision == "" {
		return n.Scheduler.Ensure(ctx, fetch.Request{Source: source, Store: n.Store, Ref: w.Ref, Select: w.Select,
			Priority: w.Priority, Inspector: n.Inspector(w.Select), Progress: progress})
	}
	m, err := source.Resolve(ctx, w.Ref, w.Select)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	if rev := m.Revision(); rev != w.Revision {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrChanged, Op: "fetch", Subject: w.Ref.String(),
			Err:  fmt.Errorf("the source has revision %s now, %s is wanted", rev.Short(), w.Revision.Short()),
			Hint: "follow the change (spec.updates.policy: Follow), or put back what was there"}
	}
	return m, n.Scheduler.Fill(ctx, fetch.Job{Source: source, Store: n.Store, Manifest: m, Priority: w.Priority,
		Inspector: n.Inspector(w.Select), Progress: progress})
}

// proven is the manifest of a pinned revision that is in the store under w's name.
func (n *Node) proven(w Want) (cachenode.Manifest, bool) {
	if rev, ok := n.Store.Named(w.Name); !ok || rev != w.Revision {
		return cachenode.Manifest{}, false
	}
	m, err := n.Store.Manifest(w.Revision)
	return m, err == nil && w.from(m.Origin)
}

// Proven reports whether what w wants is here, and w's name has read its origin before: neither is needed to use it.
func (n *Node) Proven(w Want) bool {
	_, ok := n.proven(w)
	return ok
}

func (n *Node) source(w Want) (cachenode.Source, error) {
	if w.Source != nil {
		return w.Source, nil
	}
	if source, ok := n.Sources[w.Ref.Scheme]; ok {
		return source, nil
	}
	return nil, &cachenode.Error{Kind: cachenode.ErrUnsupported, Op: "fetch", Subject: w.Ref.String(),
		Err: errors.New("this build has no source for " + w.Ref.Scheme + "://")}
}

// Lease is a copy that somebody uses. Release gives it back, once.
type Lease struct {
	Revision cachenode.Revision
	Path     string
	Release  func()
}

// Acquire makes present what w wants, at w's priority, and leases it. Downloads of the same files that are on their way are
// joined and, where w's priority is higher, hastened.
func (n *Node) Acquire(ctx context.Context, w Want, progress *fetch.Progress) (Lease, error) {
	if n.draining.Load() {
		return Lease{}, &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "mount", Subject: w.Ref.String(), Err: errors.New("the agent is ending")}
	}
	_, proven := n.proven(w)
	n.Metrics.looked(proven)
	m, err := n.fill(ctx, w, progress)
	if err != nil {
		return Lease{}, err
	}
	lease, err := n.Lease(m.Revision())
	if err != nil {
		return Lease{}, err
	}
	if err := n.Store.SetName(w.Name, lease.Revision); err != nil {
		lease.Release()
		return Lease{}, err
	}
	return lease, nil
}

// Lease leases a copy that is present, else it is ErrNotFound.
func (n *Node) Lease(rev cachenode.Revision) (Lease, error) {
	release, err := n.Store.Lease(rev)
	if err != nil {
		return Lease{}, err
	}
	return Lease{Revision: rev, Path: n.Store.Path(rev), Release: release}, nil
}

// Forget takes a name away, and with it the proof that whoever has the name could read the origin.
func (n *Node) Forget(name string) error { return n.Store.RemoveName(name) }
