// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import "testing"

// testMounter is what the driver counts on, of the real one (root_mount_test.go) and
// of the fake.
func testMounter(t *testing.T, m Mounter, source, target string) {
	t.Helper()
	want := func(want MountState) {
		t.Helper()
		if got, err := m.State(target); err != nil || got != want {
			t.Fatalf("state %v, %v; want %v", got, err, want)
		}
	}
	want(Unmounted)
	for range 2 { // a second mount covers the first
		if err := m.Bind(source, target); err != nil {
			t.Fatal(err)
		}
		want(Sealed)
	}
	for _, left := range []MountState{Sealed, Unmounted, Unmounted} {
		if err := m.Unmount(target); err != nil {
			t.Fatal(err)
		}
		want(left)
	}
}

func TestMounter_Fake(t *testing.T) {
	t.Parallel()
	testMounter(t, newWorld().restart(), "/source", "/target")
}
