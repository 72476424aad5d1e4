// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Annotations of a Deployment that has a ScalePolicy made for it.
const (
	ScaleAnnotation       = "hoist.dev/scale"                 // true
	MinReplicasAnnotation = "hoist.dev/min-replicas"          // at least; 0 needs a wake source
	MaxReplicasAnnotation = "hoist.dev/max-replicas"          // at most
	InFlightAnnotation    = "hoist.dev/in-flight-per-replica" // requests that one replica shall have
	FloorAnnotation       = "hoist.dev/floor"                 // replicas at certain hours, as 2 from 0 8 * * 1-5 to 0 19 * * 1-5 in Europe/Berlin
)
