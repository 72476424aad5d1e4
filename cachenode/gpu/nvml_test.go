// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package gpu_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/cachenode/gpu"
	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

// What go-nvml reads through a real library, whose GPUs are simulated.
func TestDriver_ReadsWhatTheDriverSays(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc: the simulated driver is a C library")
	}
	library, err := fakegpu.BuildLibrary(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(t.TempDir(), "state")
	t.Setenv(fakegpu.StateVariable, state)
	driver := gpu.Open(library)
	if _, err := driver.Devices(); !errors.Is(err, gpu.ErrNoDriver) {
		t.Errorf("before the driver is there it is %v", err)
	}
	devices := fakegpu.Devices("node", 2, "Simulated GPU", 8<<30)
	devices[1].Processes = []fakegpu.Process{{PID: 7, UsedBytes: 5 << 20}, {PID: 8, UsedBytes: 3 << 20}}
	if err := fakegpu.WriteFile(state, fakegpu.State{DriverVersion: "1", Devices: devices}); err != nil {
		t.Fatal(err)
	}
	got, err := driver.Devices() // a driver that came late is found
	if err != nil {
		t.Fatal(err)
	}
	want := []gpu.Device{
		{UUID: devices[0].UUID, Name: "Simulated GPU", Total: 8 << 30},
		{UUID: devices[1].UUID, Index: 1, Name: "Simulated GPU", Total: 8 << 30, Used: 8 << 20, Processes: []gpu.Process{{PID: 7, Used: 5 << 20}, {PID: 8, Used: 3 << 20}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A GPU that is divided is its instances, each with the processes that run on it.
func TestDriver_ReadsMIGInstances(t *testing.T) {
	t.Parallel()
	instance := func(uuid string, id int, used uint64) *mock.Device {
		return &mock.Device{
			GetUUIDFunc:          func() (string, nvml.Return) { return uuid, nvml.SUCCESS },
			GetNameFunc:          func() (string, nvml.Return) { return "A100 MIG 1g.10gb", nvml.SUCCESS },
			GetGpuInstanceIdFunc: func() (int, nvml.Return) { return id, nvml.SUCCESS },
			GetMemoryInfo_v2Func: func() (nvml.Memory_v2, nvml.Return) { return nvml.Memory_v2{}, nvml.ERROR_NOT_SUPPORTED },
			GetMemoryInfoFunc:    func() (nvml.Memory, nvml.Return) { return nvml.Memory{Total: 10 << 30, Used: used}, nvml.SUCCESS },
		}
	}
	instances := []nvml.Device{instance("MIG-a", 1, 4<<30), nil, instance("MIG-b", 2, 0)}
	whole := &mock.Device{
		GetMigModeFunc:           func() (int, int, nvml.Return) { return nvml.DEVICE_MIG_ENABLE, nvml.DEVICE_MIG_ENABLE, nvml.SUCCESS },
		GetMaxMigDeviceCountFunc: func() (int, nvml.Return) { return len(instances), nvml.SUCCESS },
		GetMigDeviceHandleByIndexFunc: func(i int) (nvml.Device, nvml.Return) {
			if instances[i] == nil {
				return nil, nvml.ERROR_NOT_FOUND
			}
			return instances[i], nvml.SUCCESS
		},
		GetComputeRunningProcessesFunc: func() ([]nvml.ProcessInfo, nvml.Return) {
			return []nvml.ProcessInfo{{Pid: 7, UsedGpuMemory: 4 << 30, GpuInstanceId: 1}, {Pid: 8, UsedGpuMemory: ^uint64(0), GpuInstanceId: 2}}, nvml.SUCCESS
		},
	}
	lib := &mock.Interface{
		InitFunc:                   func() nvml.Return { return nvml.SUCCESS },
		ShutdownFunc:               func() nvml.Return { return nvml.SUCCESS },
		DeviceGetCountFunc:         func() (int, nvml.Return) { return 1, nvml.SUCCESS },
		DeviceGetHandleByIndexFunc: func(int) (nvml.Device, nvml.Return) { return whole, nvml.SUCCESS },
	}
	got, err := gpu.NewDriver(lib).Devices()
	if err != nil {
		t.Fatal(err)
	}
	want := []gpu.Device{
		{UUID: "MIG-a", Name: "A100 MIG 1g.10gb", Total: 10 << 30, Used: 4 << 30, Processes: []gpu.Process{{PID: 7, Used: 4 << 30}}},
		{UUID: "MIG-b", Name: "A100 MIG 1g.10gb", Total: 10 << 30, Processes: []gpu.Process{{PID: 8, Used: -1}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	lib.DeviceGetCountFunc = func() (int, nvml.Return) { return 0, nvml.ERROR_GPU_IS_LOST }
	if _, err := gpu.NewDriver(lib).Devices(); err == nil || errors.Is(err, gpu.ErrNoDriver) {
		t.Errorf("a lost GPU is %v", err)
	}
}
