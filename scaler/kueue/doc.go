// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package kueue says how many pods of a workload Kueue would ever admit: what stands behind the queue that its pods name. It reads Kueue's objects
// as they come, so that nobody who has no Kueue needs it, and decides on values.
//
// Pods above what a queue admits are there, and Pending, with the reason SchedulingGated: the scheduler does not look at them.
package kueue
