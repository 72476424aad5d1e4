// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package gpu_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/hoist-dev/hoist/cachenode/gpu"
	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

// One look at a node of eight GPUs with four processes each, through go-nvml and /proc. The simulated library answers at once where a
// driver has to ask its GPUs, so this is what Hoist and go-nvml take, not what a driver takes.
func BenchmarkLook(b *testing.B) {
	if _, err := exec.LookPath("gcc"); err != nil {
		b.Skip("no gcc: the simulated driver is a C library")
	}
	library, err := fakegpu.BuildLibrary(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	pids := running(b)
	state := filepath.Join(b.TempDir(), "state")
	b.Setenv(fakegpu.StateVariable, state)
	devices := fakegpu.Devices("node", 8, "Simulated GPU", 80<<30)
	for i := range devices {
		for _, pid := range pids[:min(len(pids), 4)] {
			devices[i].Processes = append(devices[i].Processes, fakegpu.Process{PID: pid, UsedBytes: 1 << 30})
		}
	}
	if err := fakegpu.WriteFile(state, fakegpu.State{DriverVersion: "1", Devices: devices}); err != nil {
		b.Fatal(err)
	}
	driver := gpu.Open(library)
	for b.Loop() {
		got, err := driver.Devices()
		if err != nil || len(gpu.Attribute(got, "/proc")) != 8 {
			b.Fatalf("%d GPUs, %v", len(got), err)
		}
	}
}

// running are the processes that there are.
func running(b *testing.B) (pids []int) {
	b.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
