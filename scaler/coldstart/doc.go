// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package coldstart reads from pods and their events how long their starts took, phase by phase, on which accelerator, and whether weights and images
// were there; what of that is common and what is slow; and how long before demand a start has to begin. It is pure.
package coldstart
