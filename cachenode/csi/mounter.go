// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

// MountState is what a target is.
type MountState int

// The states of a target.
const (
	Unmounted MountState = iota
	Open                 // something is mounted that can be written to or run from
	Sealed               // what is mounted is read-only, nosuid, nodev and noexec
)

// Mounter changes what is mounted. Paths are absolute and clean. [BindMounter] is the
// real one. Conformance: testMounter.
type Mounter interface {
	// Bind mounts the directory source, without what is mounted below it, on the
	// directory target, Sealed. After an error nothing is mounted that was not before.
	Bind(source, target string) error

	// Unmount takes the topmost mount off target, also while it is used. A target that
	// nothing is mounted on is a success.
	Unmount(target string) error

	// State is what target is. It must not touch the file system that is mounted.
	State(target string) (MountState, error)
}
