// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package headroom

import "github.com/hoist-dev/hoist/api/v1alpha1"

// Replicas is for how many there is room kept: those that are expected, within what may be, beyond those that there are or that are asked for
// already; budget at most, and never less than none.
func Replicas(budget, expected, most, there int32) int32 {
	return max(min(budget, min(expected, most)-there), 0)
}

// May is what the controller may make, by the chart.
type May struct{ Buffers, Placeholders bool }

// The values of the chart that give it the rights.
const (
	buffersValue      = "scaler.capacity.buffers"
	placeholdersValue = "scaler.capacity.placeholders.enabled"
)

// Choose says what room is kept with; served is whether the cluster has the CapacityBuffer API. Where it can't be, kind is empty and message says
// what to do.
func Choose(asked v1alpha1.CapacityKind, served bool, may May) (kind v1alpha1.CapacityKind, message string) {
	const noAPI = "this cluster has no CapacityBuffer API (autoscaling.x-k8s.io)"
	switch {
	case asked == v1alpha1.Placeholders && may.Placeholders:
		return v1alpha1.Placeholders, ""
	case asked == v1alpha1.Placeholders:
		return "", "the controller may not make placeholders: set " + placeholdersValue + " of the chart"
	case served && may.Buffers:
		return v1alpha1.CapacityBuffer, ""
	case asked == v1alpha1.CapacityBuffer && !served:
		return "", noAPI + ": its autoscaler brings it, or set kind to " + string(v1alpha1.Placeholders)
	case asked == v1alpha1.CapacityBuffer:
		return "", "the controller may not make CapacityBuffers: set " + buffersValue + " of the chart"
	case may.Placeholders:
		return v1alpha1.Placeholders, ""
	case served:
		return "", "the controller may make neither: set " + buffersValue + " or " + placeholdersValue + " of the chart"
	}
	return "", noAPI + ", and the controller may not make placeholders: set " + placeholdersValue + " of the chart"
}
