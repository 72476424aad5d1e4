// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package doctor finds in ScaledObjects what will bite, and says what, why, and what to write instead. It is pure.
//
// Each check stands for a failure that somebody had; docs/doctor.md has them all.
package doctor
