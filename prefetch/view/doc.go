// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package view says what the cluster's objects mean, for people: tables, bars and sentences. It is pure: objects in, text out. The
// command line prints it.
package view
