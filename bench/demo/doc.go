// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package demo shows Hoist's main job on one machine: it starts a real S3 server,
// fills it with a synthetic model, and times a model on its way from there into a
// process, without Hoist and with it. It needs no root, no cluster and no network
// but loopback, runs the hoist binary as a person would, and leaves nothing behind.
package demo
