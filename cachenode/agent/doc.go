// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package agent runs one node: it keeps the models that the node is told to hold
// present in the store, and says how far it is.
//
// A [Node] is level-based. [Node.Keep] states what is wanted; for each model a
// keeper works towards it, again and again, with back-off, and never gives up. A
// revision that is present stays usable whatever happens to its origin: the disk
// is the truth, and the origin is asked only when something is missing or a
// refresh is due. What is no longer wanted loses its lease and goes when the
// space is needed.
//
// HTTP (see [Node.Handler]) is for people and probes, the control socket (see
// [Control]) for the command line on the same machine.
package agent
