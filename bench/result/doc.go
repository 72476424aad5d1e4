// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package result is what a benchmark of cold starts has found: scenarios, their runs, and of each run the phases and the proof that it
// was what it claims to be. It is what a report is made of; JSON is its form on disk.
package result
