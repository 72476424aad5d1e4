// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package csi gives pods their models: the CSI driver csi.hoist.dev, for ephemeral
// inline volumes, run inside the node agent and registering itself with the kubelet.
// A published volume is a lease on a revision and a read-only bind mount of it. The
// mount is the kernel's, so a reader notices nothing when the agent restarts.
//
// What is promised, whatever fails in between: a mount that a pod may see has a lease,
// and neither a mount, a lease nor a record stays for ever. Three things make it true,
// in this order:
//
//	publish    lease -> record (write, fsync, rename, fsync) -> directory -> mount, as a whole
//	unpublish  unmount -> lease given back -> directory removed -> record removed, fsync
//
// A lease is the process's and goes with it; records and mounts stay. So [New] finds,
// after a crash at any step,
//
//	nothing                       the crash was before the record: nothing is left
//	a record and no mount         before the mount, after the unmount, or the node was
//	                              started anew: the record is dropped
//	a record and a mount          the lease is taken again, before any call is served
//	a record and an open mount    a mount that is writable was never handed out by us:
//	                              it is unmounted and its record dropped
//
// A failed publish undoes what it did. When the mount can't be undone, the volume stays
// on the books and the answer is one that the kubelet takes for "may be in progress",
// so that it comes back with an unpublish: after a final answer it never would.
//
// The kubelet names the target, and it is held to the kubelet's layout, in [Options.PodsRoot]
// (target.go): nothing else is ever mounted over, unmounted or removed, and directories
// are only removed when empty, so a mount that will not go takes no model with it.
package csi
