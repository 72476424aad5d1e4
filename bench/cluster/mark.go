// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
)

// ReplicasAnnotation of a Deployment that is being measured is how many replicas it had, a slash, and how many the benchmark has set: should it be
// killed, the next one puts back what was. Once somebody else has set another number it says nothing any more.
const ReplicasAnnotation = "hoist.dev/bench-replicas"

// mark is what ReplicasAnnotation says.
type mark struct{ before, set int32 }

func (m mark) String() string { return fmt.Sprintf("%d/%d", m.before, m.set) }

// markOf is the mark on d, where the replicas are those that a benchmark has set.
func markOf(d *appsv1.Deployment) (m mark, is bool) {
	n, err := fmt.Sscanf(d.Annotations[ReplicasAnnotation], "%d/%d", &m.before, &m.set)
	return m, err == nil && n == 2 && m.before >= 0 && m.set == replicasOf(d)
}

// replicasOf are those that d wants: one, where it doesn't say.
func replicasOf(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}
