// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package headroom keeps room on nodes for the replicas that a forecast expects, so that an autoscaler makes those nodes before demand comes: with
// a CapacityBuffer, or with placeholder pods that make way for any other. It is pure.
package headroom
