// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package gpu

import (
	"errors"
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Driver is the node's NVML. Make it with Open.
type Driver struct {
	lib    nvml.Interface
	loaded bool
}

// Open names the library libnvidia-ml.so.1: a path, or "" for where the loader finds it. It is loaded with the first look, and again until
// it can be: a driver may come after the agent.
func Open(library string) *Driver {
	var options []nvml.LibraryOption
	if library != "" {
		options = append(options, nvml.WithLibraryPath(library))
	}
	return NewDriver(nvml.New(options...))
}

// NewDriver is a Driver of a library that is at hand.
func NewDriver(lib nvml.Interface) *Driver { return &Driver{lib: lib} }

// Devices implements Reader.
func (d *Driver) Devices() ([]Device, error) {
	if !d.loaded {
		if ret := d.lib.Init(); ret != nvml.SUCCESS {
			return nil, noDriver(reason(ret))
		}
		d.loaded = true
	}
	n, ret := d.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, d.failed("count the GPUs", ret)
	}
	var all []Device
	for i := range n {
		handle, ret := d.lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			return nil, d.failed(fmt.Sprintf("find GPU %d", i), ret)
		}
		some, err := d.look(i, handle)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// look is a GPU, or the MIG instances that it is divided into.
func (d *Driver) look(index int, handle nvml.Device) ([]Device, error) {
	if mode, _, ret := handle.GetMigMode(); ret != nvml.SUCCESS || mode != nvml.DEVICE_MIG_ENABLE {
		device, err := d.device(index, handle, handle, nil)
		return []Device{device}, err
	}
	most, ret := handle.GetMaxMigDeviceCount()
	if ret != nvml.SUCCESS {
		return nil, d.failed(fmt.Sprintf("count the MIG instances of GPU %d", index), ret)
	}
	var all []Device
	for i := range most {
		instance, ret := handle.GetMigDeviceHandleByIndex(i)
		if ret != nvml.SUCCESS {
			continue // places without an instance
		}
		id, ret := instance.GetGpuInstanceId()
		if ret != nvml.SUCCESS {
			return nil, d.failed(fmt.Sprintf("identify MIG instance %d of GPU %d", i, index), ret)
		}
		device, err := d.device(index, instance, handle, &id)
		if err != nil {
			return nil, err
		}
		all = append(all, device)
	}
	return all, nil
}

// device reads one device; processes are asked of the whole GPU, and those of one instance picked.
func (d *Driver) device(index int, handle, whole nvml.Device, instance *int) (Device, error) {
	out := Device{Index: index}
	var ret nvml.Return
	if out.UUID, ret = handle.GetUUID(); ret != nvml.SUCCESS {
		return out, d.failed(fmt.Sprintf("identify GPU %d", index), ret)
	}
	if out.Name, ret = handle.GetName(); ret != nvml.SUCCESS {
		return out, d.failed("name "+out.UUID, ret)
	}
	if memory, ret := handle.GetMemoryInfo_v2(); ret == nvml.SUCCESS { // used without what the driver keeps
		out.Total, out.Used = int64(memory.Total), int64(memory.Used)
	} else if memory, ret := handle.GetMemoryInfo(); ret == nvml.SUCCESS {
		out.Total, out.Used = int64(memory.Total), int64(memory.Used)
	} else {
		return out, d.failed("read the memory of "+out.UUID, ret)
	}
	processes, ret := whole.GetComputeRunningProcesses()
	if ret != nvml.SUCCESS {
		return out, d.failed("list the processes on "+out.UUID, ret)
	}
	for _, p := range processes {
		if instance != nil && int(p.GpuInstanceId) != *instance {
			continue
		}
		used := int64(p.UsedGpuMemory)
		if p.UsedGpuMemory > 1<<62 { // NVML_VALUE_NOT_AVAILABLE
			used = -1
		}
		out.Processes = append(out.Processes, Process{PID: int(p.Pid), Used: used})
	}
	return out, nil
}

// failed is a driver that does not do as it should: it is loaded anew at the next look, since it may have been replaced.
func (d *Driver) failed(op string, ret nvml.Return) error {
	d.loaded = false
	_ = d.lib.Shutdown()
	return fmt.Errorf("%s: %w", op, reason(ret))
}

func reason(ret nvml.Return) error { return errors.New(nvml.ErrorString(ret)) }
