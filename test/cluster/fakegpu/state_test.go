// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

const gib = 1 << 30

// states generates what a node can be.
func states() *rapid.Generator[fakegpu.State] {
	return rapid.Custom(func(t *rapid.T) fakegpu.State {
		s := fakegpu.State{DriverVersion: rapid.StringMatching(`[!-~]{1,79}`).Draw(t, "driver")}
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[!-~]{1,79}`), 0, 16, rapid.ID).Draw(t, "UUIDs")
		for i, id := range ids {
			d := fakegpu.Device{Index: i, UUID: id, Name: rapid.StringMatching(`[!-~]([ -~]{0,77}[!-~])?`).Draw(t, "name")}
			d.TotalBytes = rapid.Int64Min(0).Draw(t, "total")
			d.ReservedBytes = rapid.Int64Range(0, d.TotalBytes).Draw(t, "reserved")
			for _, pid := range rapid.SliceOfNDistinct(rapid.IntRange(1, 1<<22), 0, 8, rapid.ID).Draw(t, "PIDs") {
				if free := d.FreeBytes(); free > 0 {
					p := fakegpu.Process{PID: pid, UsedBytes: rapid.Int64Range(1, free).Draw(t, "used")}
					d.Processes = append(d.Processes, p)
				}
			}
			s.Devices = append(s.Devices, d)
		}
		return s
	})
}

func TestDevices_NodeHasTheSameOnesEveryTime(t *testing.T) {
	t.Parallel()
	first := fakegpu.Devices("node-a", 2, "NVIDIA H100", 80*gib)
	if diff := cmp.Diff(first, fakegpu.Devices("node-a", 2, "NVIDIA H100", 80*gib)); diff != "" {
		t.Errorf("the same node has others the second time:\n%s", diff)
	}
	seen := map[string]bool{}
	for _, d := range append(first, fakegpu.Devices("node-b", 2, "NVIDIA H100", 80*gib)...) {
		if seen[d.UUID] {
			t.Errorf("UUID %s was given twice", d.UUID)
		}
		seen[d.UUID] = true
	}
}

func TestDevices_CanBeTheDevicesOfANode(t *testing.T) {
	t.Parallel()
	s := fakegpu.State{DriverVersion: "570.0", Devices: fakegpu.Devices("node", 16, "NVIDIA H100 80GB HBM3", 80*gib)}
	if _, err := s.Encode(); err != nil {
		t.Error(err)
	}
}
