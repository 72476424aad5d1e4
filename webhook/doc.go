// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package webhook is the admission side of Hoist: it hands pods, and the workloads that make them, to the pure functions of inject and
// carry, with what the cluster knows about their Models; it serves them over TLS with certificates that rotate; and it looks after pods
// that were let in without it.
//
// It fails open: whatever goes wrong here, a pod is admitted as it is.
package webhook
