// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package prefetch holds the controllers of Model and Prefetch.
//
// The Model controller reads a source once, pins its revision and looks again on a schedule. The plan controller turns Models,
// Prefetches and nodes into the spec of every CacheNode, by the pure function plan.Make, and what the nodes report into status and
// labels. Both are level-based: they look at what is, not at what happened, and a second pass writes nothing.
package prefetch
