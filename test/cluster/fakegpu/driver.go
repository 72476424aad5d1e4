// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

const driverVersion = "570.124.06"

// Driver keeps the books of one node's devices. It is safe for concurrent use.
type Driver struct {
	path  string
	mu    sync.Mutex
	state State // what the file says
}

// NewDriver loads the simulated driver: it writes the state of these devices to the file statePath, whose folder must be
// there. One driver owns that file.
func NewDriver(statePath string, devices []Device) (*Driver, error) {
	d := &Driver{path: statePath, state: State{DriverVersion: driverVersion, Devices: copyDevices(devices)}}
	if err := WriteFile(statePath, d.state); err != nil {
		return nil, err
	}
	return d, nil
}

// Serve answers processes on listener, which listens on a unix socket and which it closes. What a process took through a
// connection is given back when the connection closes, and so when the process dies. Serve returns once ctx has ended and
// all connections are closed. It fails, and ends early, when the state file can't show that memory was given back, or nobody
// can connect any more.
func (d *Driver) Serve(ctx context.Context, listener net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	group.Go(func() error {
		err := d.accept(ctx, group, listener)
		if ctx.Err() != nil {
			err = nil // the listener was closed because of that
		}
		return err
	})
	return group.Wait()
}

func (d *Driver) accept(ctx context.Context, group *errgroup.Group, listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return fmt.Errorf("accept a process on the simulated GPU driver: %w", err)
		}
		group.Go(func() error { return d.serveProcess(ctx, conn) })
	}
}

// Devices returns a copy of the devices as they are now.
func (d *Driver) Devices() []Device {
	d.mu.Lock()
	defer d.mu.Unlock()
	return copyDevices(d.state.Devices)
}

// change gives the process more bytes of a device, or with a negative number takes some back. On an error nothing changed.
func (d *Driver) change(uuid string, pid int, bytes int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := State{DriverVersion: d.state.DriverVersion, Devices: copyDevices(d.state.Devices)}
	i := slices.IndexFunc(next.Devices, func(device Device) bool { return device.UUID == uuid })
	if i < 0 {
		return fmt.Errorf("no device %q", uuid)
	}
	device := &next.Devices[i]
	if free := device.FreeBytes(); bytes > free {
		return fmt.Errorf("out of memory: %d bytes wanted, %d free on %s", bytes, free, uuid)
	}
	if err := device.add(pid, bytes); err != nil {
		return err
	}
	if err := WriteFile(d.path, next); err != nil {
		return err
	}
	d.state = next
	return nil
}

func (d *Device) add(pid int, bytes int64) error {
	i := slices.IndexFunc(d.Processes, func(p Process) bool { return p.PID == pid })
	if i < 0 {
		d.Processes = append(d.Processes, Process{PID: pid})
		i = len(d.Processes) - 1
	}
	p := &d.Processes[i]
	p.UsedBytes += bytes
	switch {
	case p.UsedBytes < 0:
		return errors.New("the process does not hold that much")
	case p.UsedBytes == 0:
		d.Processes = slices.Delete(d.Processes, i, i+1)
	}
	return nil
}

func copyDevices(devices []Device) []Device {
	devices = slices.Clone(devices)
	for i := range devices {
		devices[i].Processes = slices.Clone(devices[i].Processes)
	}
	return devices
}
