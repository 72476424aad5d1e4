// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package gpu

// Driver is a build that can't ask one.
type Driver struct{}

// Open makes a Driver that says that there is none.
func Open(string) *Driver { return &Driver{} }

// Devices implements Reader.
func (*Driver) Devices() ([]Device, error) { return nil, noDriver("this build has no cgo") }
