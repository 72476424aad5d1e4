// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package cluster measures cold starts of a Deployment in a real cluster: it scales it by one, again and again, from a state of the node caches
// that each scenario brings about, and puts everything back as it was, also when it is interrupted.
//
// Phases are told by a watch of the pod, and so in milliseconds, where the conditions themselves tell whole seconds.
package cluster
