// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import "context"

// unpublish takes the volume off target and gives its lease back. A volume that is not
// there, or that this driver knows nothing of, is unpublished.
func (d *Driver) unpublish(ctx context.Context, id string, at target) error {
	if err := checkVolume(id); err != nil {
		return err
	}
	_, end, err := d.begin(ctx, id, at, Claim{})
	if err != nil {
		return err
	}
	defer end()
	if err := d.pods.check(at); err != nil {
		return err
	}
	if err := d.clear(at); err != nil {
		return err
	}
	v := d.published(id)
	if v != nil && v.target == at {
		d.drop(v) // from here on a failure costs a repeated call, and no space on the disk
	}
	if err := d.pods.remove(at); err != nil {
		return err
	}
	if v != nil && v.target != at {
		return nil // it is published elsewhere, and its record with it
	}
	return d.records.remove(id)
}
