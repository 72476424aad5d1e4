// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package scaledobject makes KEDA's ScaledObject of a ScalePolicy. It is pure: the same policy makes the same object.
//
// Why each line is as it is stands in docs/decisions/0012-what-a-scaledobject-says.md.
package scaledobject
