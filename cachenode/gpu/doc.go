// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package gpu says which pod holds how much memory of which GPU of the node.
//
// What the driver tells comes through NVML, behind an interface of our own: a build without cgo, or a node without a driver, says so and
// goes on. Processes have the numbers that the host gives them, so the reader must see the host's processes (hostPID); their cgroup
// names their pod. It never makes a context on a GPU, and so takes none of its memory.
package gpu
