// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package inject turns one annotation on a pod into all that an inference server needs to start warm: the volume and its mount,
// environment, probes, a readiness gate and node affinity. It is a pure function on a pod and on what the cluster knows about its Model:
//
//   - It adds and never changes: whatever the author of the pod has said stays.
//   - It is idempotent: a pod that was injected comes out as it went in, also when other webhooks added things in between.
//   - What it adds is admitted wherever the pod was: a CSI volume is allowed under Pod Security "restricted".
//   - It never refuses a pod. What can't be done, or will bite later, is a warning.
package inject
