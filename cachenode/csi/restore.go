// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"github.com/hoist-dev/hoist/cachenode"
)

// restore takes over what an earlier process published.
func (d *Driver) restore() error {
	found, err := d.records.load(d.log)
	if err != nil {
		return err
	}
	for _, rec := range found {
		stays, err := d.survived(rec)
		if err != nil {
			return err
		}
		if !stays {
			if err := d.records.remove(rec.Claim.Volume); err != nil {
				return err
			}
			continue
		}
		v := &volume{claim: rec.Claim, target: rec.Target, revision: rec.Revision}
		if err := d.resume(v); err != nil {
			d.log.Error("lease of a mounted volume not resumed: restart the pod if it can't read its model", "pod", v.claim.Pod.String(), "model", v.claim.Model.String(), "revision", v.revision, "err", err)
		}
		d.keep(v)
	}
	return nil
}

// survived says whether the mount of rec is there. One that was not finished is undone.
func (d *Driver) survived(rec record) (bool, error) {
	path := d.pods.named + "/" + string(rec.Target)
	if at, err := d.pods.parse(path); err != nil || at != rec.Target {
		d.log.Error("record of a volume elsewhere dropped: was the kubelet's root directory moved?", "volume", rec.Claim.Volume, "target", path, "err", err)
		return false, nil
	}
	state, err := d.options.Mounter.State(d.pods.path(rec.Target))
	if err != nil || state != Open {
		return state == Sealed, err
	}
	if err := d.clear(rec.Target); err != nil {
		d.log.Warn("unfinished mount not undone", "volume", rec.Claim.Volume, "err", err)
		return true, nil // kept with a lease, for as long as it is there
	}
	return false, nil
}

// resume takes the lease of v again.
func (d *Driver) resume(v *volume) error {
	lease, err := d.options.Models.Resume(v.claim, v.revision)
	if err != nil {
		return err
	}
	if lease.Release == nil {
		lease.Release = func() {}
	}
	if lease.Revision != v.revision {
		lease.Release()
		return &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "resume", Subject: v.claim.Model.String(), Err: revisionError{want: v.revision, got: lease.Revision}}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	v.lease = lease
	return nil
}
