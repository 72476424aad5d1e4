// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// publish mounts what claim asks for at target. Publishing again is a success.
func (d *Driver) publish(ctx context.Context, claim Claim, at target) error {
	if at.pod() != claim.Pod.UID {
		return invalid("pod", claim.Pod.String(), "the target "+d.pods.path(at)+" is of another pod", "")
	}
	ctx, end, err := d.begin(ctx, claim.Volume, at, claim)
	if err != nil {
		if busy, ok := errors.AsType[*busyError](err); ok && busy.claim != (Claim{}) {
			busy.progress = d.options.Models.Progress(busy.claim)
		}
		return err
	}
	defer end()
	if err := d.pods.check(at); err != nil {
		return err
	}
	v := d.published(claim.Volume)
	if v == nil {
		lease, err := d.acquire(ctx, claim)
		if err != nil {
			return err
		}
		v = &volume{claim: claim, target: at, revision: lease.Revision, lease: lease}
		if err := d.bring(v); err != nil {
			return err
		}
		if d.options.Mounted != nil {
			d.options.Mounted(claim)
		}
		return nil
	}
	if v.claim != claim || v.target != at {
		return &incompatibleError{has: v.claim, at: d.pods.path(v.target)}
	}
	return d.again(v)
}

// again makes sure of a volume that is published.
func (d *Driver) again(v *volume) error {
	if v.lease.Release == nil {
		if err := d.resume(v); err != nil {
			return err
		}
	}
	state, err := d.options.Mounter.State(d.pods.path(v.target))
	if err != nil || state == Sealed {
		return err
	}
	d.log.Warn("a mount was gone or writable: mounting anew", "volume", v.claim.Volume, "pod", v.claim.Pod.String(), "model", v.claim.Model.String())
	return d.bring(v)
}

// acquire waits for the model, no longer than leaves time to say how far it is.
func (d *Driver) acquire(ctx context.Context, claim Claim) (Lease, error) {
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		shorter, cancel := context.WithTimeout(ctx, left-min(d.options.Margin, left/2))
		defer cancel()
		ctx = shorter
	}
	lease, err := d.options.Models.Acquire(ctx, claim)
	if err != nil {
		return Lease{}, waited(ctx, claim, err)
	}
	if lease.Release == nil {
		lease.Release = func() {}
	}
	return lease, nil
}

// waited is what to tell about an Acquire that failed: its own words, and why it ended
// if it does not say so in a kind.
func waited(ctx context.Context, claim Claim, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || cachenode.KindOf(err) != nil {
		return err
	}
	return &waitError{model: claim.Model, progress: err, cause: cause}
}

// bring mounts v, whose lease is taken, and puts it on the books, or undoes it all.
func (d *Driver) bring(v *volume) (err error) {
	done := false
	defer func() { // also on a panic
		if !done {
			err = d.undo(v, err)
		}
	}()
	if err := d.mount(v); err != nil {
		return err
	}
	d.keep(v)
	done = true
	return nil
}

func (d *Driver) mount(v *volume) error {
	if err := d.records.write(record{Claim: v.claim, Target: v.target, Revision: v.revision}); err != nil {
		return err
	}
	if err := d.clear(v.target); err != nil {
		return err
	}
	if err := d.pods.make(v.target); err != nil {
		return err
	}
	path := d.pods.path(v.target)
	if err := d.options.Mounter.Bind(v.lease.Path, path); err != nil {
		return err
	}
	state, err := d.options.Mounter.State(path)
	if err == nil && state != Sealed {
		err = &cachenode.Error{Kind: cachenode.ErrDisk, Op: "mount", Subject: path, Err: errors.New("the mount is gone or writable at once"), Hint: "something else changes mounts on this node"}
	}
	return err
}

// undo takes back a publish that failed because of why.
func (d *Driver) undo(v *volume, why error) error {
	if err := d.clear(v.target); err != nil {
		d.keep(v) // with its lease and its record, until an unpublish gets through
		return &stuckError{why: why, path: d.pods.path(v.target), err: err}
	}
	d.drop(v)
	// What can't be removed now does no harm: the kubelet removes the directory, and
	// the next start drops a record without a mount.
	if err := errors.Join(d.pods.remove(v.target), d.records.remove(v.claim.Volume)); err != nil {
		d.log.Warn("remains of a failed mount not removed", "volume", v.claim.Volume, "err", err)
	}
	return why
}

// clear unmounts whatever is mounted at t.
func (d *Driver) clear(t target) error {
	const most = 16 // mounts on top of each other: there is one
	path := d.pods.path(t)
	for range most {
		state, err := d.options.Mounter.State(path)
		if err != nil || state == Unmounted {
			return err
		}
		if err := d.options.Mounter.Unmount(path); err != nil {
			return err
		}
	}
	return &cachenode.Error{Kind: cachenode.ErrInUse, Op: "unmount", Subject: path, Err: fmt.Errorf("still mounted after %d unmounts", most)}
}
