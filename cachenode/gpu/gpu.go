// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package gpu

import (
	"errors"
	"fmt"
)

// Device is one GPU, or one MIG instance of it.
type Device struct {
	UUID      string // GPU-… or MIG-…, as the device plugin names it
	Index     int    // of the GPU on the node
	Name      string
	Total     int64 // bytes; what the driver keeps for itself is among them
	Used      int64 // bytes that processes hold
	Processes []Process
}

// Free are the bytes that a process could take.
func (d Device) Free(reserved int64) int64 { return max(d.Total-d.Used-reserved, 0) }

// Process is what one process holds of a device.
type Process struct {
	PID  int   // on the host
	Used int64 // bytes; -1 is unknown, as with time slicing on some drivers
}

// Reader reads the node's GPUs. It is safe for one caller at a time.
type Reader interface {
	// Devices are those of the node, in the order of their indexes: none is a driver without GPUs, [ErrNoDriver] a node without a driver.
	Devices() ([]Device, error)
}

// ErrNoDriver is a node that has no NVIDIA driver, or a build that can't ask it.
var ErrNoDriver = errors.New("no NVIDIA driver")

func noDriver(why any) error { return fmt.Errorf("%w: %v", ErrNoDriver, why) }

// None is a node whose GPUs are not looked at, for a reason in words.
type None string

// Devices implements Reader.
func (n None) Devices() ([]Device, error) { return nil, noDriver(string(n)) }
