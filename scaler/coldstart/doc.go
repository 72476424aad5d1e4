// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package coldstart reads from pods how long their starts took, phase by phase, and what of that is common and what is slow.
package coldstart
