// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"errors"

	"github.com/hoist-dev/hoist/cachenode"
)

// volume is one that is published. Who has the turn of its id may change it.
type volume struct {
	claim    Claim
	target   target
	revision cachenode.Revision
	lease    Lease // no Release: it could not be resumed
}

var errStopping = &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "mount", Subject: "volume", Err: errors.New("the agent of this node is stopping"), Hint: "the kubelet tries again"}

// operation is one call for one volume.
type operation struct {
	claim  Claim // of a publish
	cancel context.CancelCauseFunc
}

// begin gives the caller the turn of a volume and of a target until end. There is no
// queue: the kubelet is told that the volume is busy, and comes back.
func (d *Driver) begin(ctx context.Context, id string, at target, claim Claim) (turn context.Context, end func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, nil, errStopping
	}
	if op := d.busy[id]; op != nil {
		return nil, nil, &busyError{claim: op.claim}
	}
	if owner, taken := d.targets[at]; taken && owner != id {
		return nil, nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "mount volume " + id + " at", Subject: d.pods.path(at), Err: errors.New("volume " + owner + " is there")}
	}
	turn, cancel := context.WithCancelCause(ctx)
	d.busy[id] = &operation{claim: claim, cancel: cancel}
	d.targets[at] = id
	d.running.Add(1)
	return turn, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.busy, id)
		if v := d.volumes[id]; v == nil || v.target != at {
			delete(d.targets, at)
		}
		cancel(nil)
		d.running.Done()
	}, nil
}

// published is the volume of that id, or nil.
func (d *Driver) published(id string) *volume {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.volumes[id]
}

func (d *Driver) keep(v *volume) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.volumes[v.claim.Volume] = v
	d.targets[v.target] = v.claim.Volume
}

// drop takes v off the books and gives its lease back. Its target is begin's to free.
func (d *Driver) drop(v *volume) {
	d.mu.Lock()
	if d.volumes[v.claim.Volume] == v {
		delete(d.volumes, v.claim.Volume)
	}
	d.mu.Unlock()
	if v.lease.Release != nil {
		v.lease.Release()
		v.lease.Release = nil
	}
}
