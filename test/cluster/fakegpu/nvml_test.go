// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package fakegpu_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

// view is all that go-nvml tells of a node.
type view struct {
	Refused nvml.Return // what nvmlInit failed with, or SUCCESS
	Driver  string
	Devices []deviceView
}

type deviceView struct {
	UUID, Name   string
	Index, Minor int
	Memory       nvml.Memory    // used with reserved
	Memory2      nvml.Memory_v2 // used without
	Processes    []nvml.ProcessInfo
	Others       int // graphics and MPS processes
	MIG          int // mode and devices
}

// observe answers each line of in with a line of JSON, the view of that moment.
func observe(library string, in io.Reader, out io.Writer) error {
	lib := nvml.New(nvml.WithLibraryPath(library))
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		v, err := look(lib)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(v); err != nil {
			return err
		}
	}
	return lines.Err()
}

func look(lib nvml.Interface) (v view, err error) {
	if ret := lib.Init(); ret != nvml.SUCCESS {
		return view{Refused: ret}, nil
	}
	defer func() {
		if ret := lib.Shutdown(); err == nil {
			err = failed(ret)
		}
	}()
	var ret nvml.Return
	if v.Driver, ret = lib.SystemGetDriverVersion(); ret != nvml.SUCCESS {
		return view{}, failed(ret)
	}
	n, ret := lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return view{}, failed(ret)
	}
	for i := range n {
		device, ret := lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			return view{}, failed(ret)
		}
		d, err := lookAt(lib, device)
		if err != nil {
			return view{}, fmt.Errorf("device %d: %w", i, err)
		}
		v.Devices = append(v.Devices, d)
	}
	return v, nil
}

// lookAt makes every call about a device, and finds it by its UUID again.
func lookAt(lib nvml.Interface, device nvml.Device) (deviceView, error) {
	var d deviceView
	var graphics, mps []nvml.ProcessInfo
	var pending, major int
	var ret [12]nvml.Return
	d.UUID, ret[0] = device.GetUUID()
	device, ret[1] = lib.DeviceGetHandleByUUID(d.UUID)
	d.Name, ret[2] = device.GetName()
	d.Index, ret[3] = device.GetIndex()
	d.Minor, ret[4] = device.GetMinorNumber()
	d.Memory, ret[5] = device.GetMemoryInfo()
	d.Memory2, ret[6] = device.GetMemoryInfo_v2()
	d.Processes, ret[7] = device.GetComputeRunningProcesses()
	graphics, ret[8] = device.GetGraphicsRunningProcesses()
	mps, ret[9] = device.GetMPSComputeRunningProcesses()
	d.MIG, pending, ret[10] = device.GetMigMode()
	major, _, ret[11] = device.GetCudaComputeCapability()
	for call, r := range ret {
		if r != nvml.SUCCESS {
			return d, fmt.Errorf("call %d: %w", call, failed(r))
		}
	}
	partitions, r := device.GetMaxMigDeviceCount()
	d.Others, d.MIG = len(graphics)+len(mps), d.MIG+pending+partitions
	if major == 0 {
		return d, fmt.Errorf("compute capability is %d", major)
	}
	return d, failed(r)
}

func failed(ret nvml.Return) error {
	if ret != nvml.SUCCESS {
		return fmt.Errorf("NVML said: %w", ret)
	}
	return nil
}

// see asks the observer for its view of this moment.
func (c child) see() (v view, err error) {
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		return view{}, err
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return view{}, err
	}
	err = json.Unmarshal(line, &v)
	return v, err
}

// startObserver starts a process that has the library loaded, and returns the path of its state file, which is not there.
func startObserver(t *testing.T) (child, string) {
	t.Helper()
	dir := t.TempDir()
	library, path := build(t, dir), filepath.Join(dir, "state")
	return start(t, "observe", []string{fakegpu.StateVariable + "=" + path}, library), path
}

// expected is the view of a state by NVML's documentation.
func expected(s fakegpu.State) view {
	v := view{Driver: s.DriverVersion}
	for _, d := range s.Devices {
		total, reserved, used := uint64(d.TotalBytes), uint64(d.ReservedBytes), uint64(d.UsedBytes())
		free := total - reserved - used
		device := deviceView{
			UUID: d.UUID, Name: d.Name, Index: d.Index, Minor: d.Index,
			Memory:    nvml.Memory{Total: total, Free: free, Used: used + reserved},
			Memory2:   nvml.Memory_v2{Version: 40 | 2<<24, Total: total, Reserved: reserved, Free: free, Used: used},
			Processes: []nvml.ProcessInfo{},
		}
		for _, p := range d.Processes {
			info := nvml.ProcessInfo{Pid: uint32(p.PID), UsedGpuMemory: uint64(p.UsedBytes)}
			info.GpuInstanceId, info.ComputeInstanceId = 1<<32-1, 1<<32-1
			device.Processes = append(device.Processes, info)
		}
		v.Devices = append(v.Devices, device)
	}
	return v
}

func TestLibrary_FollowsTheStateFile(t *testing.T) {
	t.Parallel()
	observer, path := startObserver(t)
	rapid.Check(t, func(t *rapid.T) {
		s := states().Draw(t, "state")
		if err := fakegpu.WriteFile(path, s); err != nil {
			t.Fatal(err)
		}
		seen, err := observer.see()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(expected(s), seen); diff != "" {
			t.Fatalf("NVML shows other than the file says:\n%s", diff)
		}
	})
}

func TestLibrary_HoldsAsManyProcessesAsAStateCan(t *testing.T) {
	t.Parallel()
	observer, path := startObserver(t)
	s := fakegpu.State{DriverVersion: "570.0", Devices: fakegpu.Devices("node", 1, "H100", gib)}
	for pid := range 1024 {
		s.Devices[0].Processes = append(s.Devices[0].Processes, fakegpu.Process{PID: pid + 1, UsedBytes: 1})
	}
	if err := fakegpu.WriteFile(path, s); err != nil {
		t.Fatal(err)
	}
	seen, err := observer.see()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected(s), seen); diff != "" {
		t.Errorf("NVML shows other than the file says:\n%s", diff)
	}
}

func TestLibrary_WithoutAStateTheDriverIsNotLoaded(t *testing.T) {
	t.Parallel()
	observer, path := startObserver(t)
	absent, err := observer.see()
	if err != nil {
		t.Fatal(err)
	}
	if absent.Refused != nvml.ERROR_DRIVER_NOT_LOADED {
		t.Errorf("nvmlInit returned %d, want %d", absent.Refused, nvml.ERROR_DRIVER_NOT_LOADED)
	}
	if err := fakegpu.WriteFile(path, fakegpu.State{DriverVersion: "570.0"}); err != nil {
		t.Fatal(err)
	}
	if present, err := observer.see(); err != nil || present.Refused != nvml.SUCCESS {
		t.Errorf("with a state nvmlInit fails: %d, %v", present.Refused, err)
	}
}

func TestLibrary_RefusesAMalformedState(t *testing.T) {
	t.Parallel()
	observer, path := startObserver(t)
	for _, text := range []string{
		"",
		"driver",
		"driver 1\nnonsense\n",
		"driver 1\ndevice 0 GPU-a 10\n",
		"driver 1\ndevice 0 GPU-a 10 1 H100",
		"driver 1\ndevice 1 GPU-a 10 1 H100\n",
		"driver 1\ndevice 0 GPU-a 10 11 H100\n",
		"driver 1\ndevice 0 GPU-a 10 1 H100\nprocess 1 7 1\n",
		"driver 1\ndevice 0 GPU-a 10 1 H100\nprocess 0 7 10\n",
		"driver 1\ndevice 0 " + string(make([]byte, 4096)) + " 10 1 H100\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		seen, err := observer.see()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if seen.Refused != nvml.ERROR_UNKNOWN {
			t.Errorf("%q: nvmlInit returned %d, want %d", text, seen.Refused, nvml.ERROR_UNKNOWN)
		}
	}
}
