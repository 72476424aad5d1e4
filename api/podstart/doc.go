// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package podstart reads how the start of a pod went: when it came how far, from its conditions and container states, and what it met on its node, from
// its events. It is pure.
package podstart
