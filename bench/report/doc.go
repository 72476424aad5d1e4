// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package report shows results of benchmarks to people: as one page of HTML that needs nothing else, as Markdown, or as text.
package report
