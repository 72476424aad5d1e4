// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package capacity says how many more pods of a kind fit into a cluster, where, and what stops the next one.
//
// It replays the scheduler's filters on values: taints, node selectors and required affinity, requests against what nodes have left, one
// pod a node where pods of a kind keep apart; and the namespace's quotas, which come first. It does not know topology spread, the zones of
// volumes, dynamic resource allocation, or what a cluster autoscaler would add.
package capacity
