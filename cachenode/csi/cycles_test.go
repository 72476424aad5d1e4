// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	spec "github.com/container-storage-interface/spec/lib/go/csi"
)

func TestDriver_TenThousandCyclesLeakNothing(t *testing.T) { //nolint:paralleltest // counts what the whole process has open
	r := started(t)
	kubelet := spec.NewNodeClient(r.client(t))
	cycle := func(i int) {
		ask := r.request(t, "web-"+strconv.Itoa(i%7), "llama")
		if _, err := kubelet.NodePublishVolume(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
		if _, err := kubelet.NodeUnpublishVolume(t.Context(), unrequest(ask)); err != nil {
			t.Fatal(err)
		}
	}
	cycle(0) // connects
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for i := range 10_000 {
		cycle(i)
	}
	r.holds(t, 0)
	if d := r.driver; len(d.busy)+len(d.targets)+len(d.volumes) > 0 {
		t.Errorf("left: busy %v, targets %v, volumes %v", d.busy, d.targets, d.volumes)
	}
	if got := openFiles(t); got > files {
		t.Errorf("%d files are open, %d were", got, files)
	}
	const slack = 2 // of gRPC, which may be about to end some
	if got := runtime.NumGoroutine(); got > goroutines+slack {
		t.Errorf("%d goroutines, %d at the start", got, goroutines)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
