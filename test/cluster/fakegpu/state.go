// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package fakegpu simulates the GPUs of one node for code that reads NVML, on a machine that has none.
//
// A [Driver] keeps the books: processes take and give back device memory through a [Client], and every change rewrites one
// state file. A C library, compiled by [BuildLibrary], answers the calls of libnvidia-ml.so.1 out of that file. So NVML
// shows what the processes of the node hold, and a process that is killed loses its memory, as on a real card. Nothing is
// computed, and no memory is taken but in the books.
package fakegpu

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What fits the buffers that callers of NVML pass, and the tables of the library.
const (
	maxDevices   = 16
	maxProcesses = 1024    // on all devices together
	maxText      = 79      // bytes of a name, a UUID or a version
	maxPID       = 1 << 22 // the most that Linux gives out
)

// State is what NVML shows of one node at one moment.
type State struct {
	DriverVersion string
	Devices       []Device // in the order of their indexes, which are 0, 1, 2…
}

// Device is one GPU. It is not partitioned (no MIG).
type Device struct {
	Index         int       `json:"index"`
	UUID          string    `json:"uuid"`
	Name          string    `json:"name"`
	TotalBytes    int64     `json:"total_bytes"`
	ReservedBytes int64     `json:"reserved_bytes"` // the driver's own part of TotalBytes, which no process gets
	Processes     []Process `json:"processes"`
}

// Process is what one process holds of a device.
type Process struct {
	PID       int   `json:"pid"`
	UsedBytes int64 `json:"used_bytes"` // more than 0: who holds nothing is not listed
}

// Devices returns n unused devices of bytesEach bytes. A node's name gives its devices the same UUIDs every time, which no
// other node has. The driver keeps 1/128 of each, about what it does on an 80 GB card.
func Devices(node string, n int, name string, bytesEach int64) []Device {
	devices := make([]Device, n)
	for i := range devices {
		sum := sha256.Sum256([]byte(node + "/" + strconv.Itoa(i)))
		devices[i] = Device{
			Index:         i,
			UUID:          fmt.Sprintf("GPU-%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]),
			Name:          name,
			TotalBytes:    bytesEach,
			ReservedBytes: bytesEach / 128,
		}
	}
	return devices
}

// UsedBytes is what all processes hold together, without ReservedBytes.
func (d Device) UsedBytes() int64 {
	var used int64
	for _, p := range d.Processes {
		used += p.UsedBytes
	}
	return used
}

// FreeBytes is what processes can still take.
func (d Device) FreeBytes() int64 { return d.TotalBytes - d.ReservedBytes - d.UsedBytes() }

// check tells why the state can't be one of a node, or nil.
func (s State) check() error {
	if !word(s.DriverVersion) {
		return fmt.Errorf("driver version %q: want 1 to %d printable ASCII characters, no space", s.DriverVersion, maxText)
	}
	if len(s.Devices) > maxDevices {
		return fmt.Errorf("%d devices: want at most %d", len(s.Devices), maxDevices)
	}
	processes := 0
	for i, d := range s.Devices {
		if d.Index != i {
			return fmt.Errorf("device %d stands at place %d", d.Index, i)
		}
		if slices.ContainsFunc(s.Devices[:i], func(other Device) bool { return other.UUID == d.UUID }) {
			return fmt.Errorf("device %d: UUID %s is taken", i, d.UUID)
		}
		if err := d.check(); err != nil {
			return fmt.Errorf("device %d: %w", i, err)
		}
		processes += len(d.Processes)
	}
	if processes > maxProcesses {
		return fmt.Errorf("%d processes: want at most %d", processes, maxProcesses)
	}
	return nil
}

func (d Device) check() error {
	switch {
	case !word(d.UUID):
		return fmt.Errorf("UUID %q: want 1 to %d printable ASCII characters, no space", d.UUID, maxText)
	case !phrase(d.Name):
		return fmt.Errorf("name %q: want 1 to %d printable ASCII characters, no space at the ends", d.Name, maxText)
	case d.ReservedBytes < 0 || d.TotalBytes < d.ReservedBytes:
		return fmt.Errorf("%d of %d bytes are reserved", d.ReservedBytes, d.TotalBytes)
	}
	return d.checkProcesses()
}

func (d Device) checkProcesses() error {
	free := d.TotalBytes - d.ReservedBytes
	seen := make(map[int]bool, len(d.Processes))
	for _, p := range d.Processes {
		switch {
		case p.PID < 1 || p.PID > maxPID:
			return fmt.Errorf("PID %d is none", p.PID)
		case seen[p.PID]:
			return fmt.Errorf("process %d is listed twice", p.PID)
		case p.UsedBytes < 1:
			return fmt.Errorf("process %d holds %d bytes", p.PID, p.UsedBytes)
		case p.UsedBytes > free: // compared so that no sum can overflow
			return errors.New("the processes hold more than there is")
		}
		seen[p.PID] = true
		free -= p.UsedBytes
	}
	return nil
}

// word tells whether s can be one field of a line, phrase whether it can be the last.
func word(s string) bool { return phrase(s) && !strings.Contains(s, " ") }

func phrase(s string) bool {
	printable := func(r rune) bool { return r >= ' ' && r <= '~' }
	return s != "" && len(s) <= maxText && s == strings.TrimSpace(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !printable(r) })
}
