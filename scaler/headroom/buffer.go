// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package headroom

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// What CapacityBuffers are. Versions are those that have the same fields, the best first.
const (
	BufferGroup = "autoscaling.x-k8s.io"
	BufferKind  = "CapacityBuffer"
	// active has the autoscaler make nodes that are there and empty.
	active = "buffer.x-k8s.io/active-capacity"
)

// BufferVersions are those of the API that have the fields below, the best one first.
func BufferVersions() []string { return []string{"v1beta1", "v1alpha1"} }

// CapacityBuffer has the fields of the autoscalers' (autoscaling.x-k8s.io) that Hoist writes, and no others: with server-side apply those stay whose
// they are.
type CapacityBuffer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              BufferSpec `json:"spec"`
}

// BufferSpec asks for room for so many pods of a workload, beside those that it has.
type BufferSpec struct {
	ProvisioningStrategy string      `json:"provisioningStrategy"`
	ScalableRef          ScalableRef `json:"scalableRef"`
	Replicas             int32       `json:"replicas"`
}

// ScalableRef is a workload of the same namespace, whose pods the autoscaler looks up itself.
type ScalableRef struct {
	APIGroup string `json:"apiGroup"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
}

// Buffer is the CapacityBuffer of a policy, in a version of the API.
func Buffer(p *v1alpha1.ScalePolicy, version string, replicas int32) *CapacityBuffer {
	yes := true
	return &CapacityBuffer{
		TypeMeta: metav1.TypeMeta{APIVersion: BufferGroup + "/" + version, Kind: BufferKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: BufferName(p.Name), Labels: map[string]string{managedBy: hoist},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ScalePolicy", Name: p.Name, UID: p.UID, Controller: &yes}}},
		Spec: BufferSpec{ProvisioningStrategy: active, Replicas: replicas, ScalableRef: ScalableRef{APIGroup: "apps", Kind: p.Spec.Target.Kind, Name: p.Spec.Target.Name}},
	}
}

// The label of what Hoist made.
const (
	managedBy = "app.kubernetes.io/managed-by"
	hoist     = "hoist"
)

// Ours selects what Hoist made.
func Ours() map[string]string { return map[string]string{managedBy: hoist} }
