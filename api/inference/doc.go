// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package inference knows inference servers: how a container tells which one runs in it, where that one answers, over how many GPUs it
// spreads a model, and how many requests it takes at a time. It reads a pod's specification, and nothing else. Sources: the servers' own
// documentation.
package inference
