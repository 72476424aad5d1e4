// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package local measures cold starts on one machine: the simulated inference server starts from weights that lie, before each run, in a
// bucket, in Hoist's copy on the disk, or in memory. A run begins when the server is wanted and ends with its first answer.
//
// It starts an S3 server on loopback behind a road with the latency and the limit of a connection that a distant bucket has, or takes a
// bucket of the user's. The model's size and number of files are those of a known model, scaled; its contents mean nothing.
package local
