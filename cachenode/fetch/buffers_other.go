//go:build !linux

// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import "unsafe"

const alignment = 4096

// mapRegion is size bytes of the Go heap on a 4096-byte boundary.
func mapRegion(size int) ([]byte, error) {
	raw := make([]byte, size+alignment)
	skip := (alignment - int(uintptr(unsafe.Pointer(&raw[0]))%alignment)) % alignment
	return raw[skip : skip+size : skip+size], nil
}

func releasePages([]byte) {}

func unmapRegion([]byte) error { return nil }
