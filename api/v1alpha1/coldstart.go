// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodeState is what a start met on its node.
//
// +kubebuilder:validation:Enum=Warm;Cold;Unknown
type NodeState string

// States of a node, of weights or of images.
const (
	WarmState    NodeState = "Warm"    // they were there
	ColdState    NodeState = "Cold"    // they were fetched
	UnknownState NodeState = "Unknown" // nobody has told
)

// ColdStartStatus are the last starts, and what of them is common and slow.
type ColdStartStatus struct {
	// model that the pods mount, as namespace/name. Starts with another one are forgotten.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Model string `json:"model,omitempty"`

	// p50Seconds from wanted to Ready, of the last 20 starts.
	//
	// +optional
	P50Seconds int32 `json:"p50Seconds"`

	// p90Seconds from wanted to Ready, of the last 20 starts.
	//
	// +optional
	P90Seconds int32 `json:"p90Seconds"`

	// groups of starts that met the same.
	//
	// +optional
	// +listType=map
	// +listMapKey=accelerator
	// +listMapKey=weights
	// +kubebuilder:validation:MaxItems=8
	Groups []ColdStartGroup `json:"groups,omitempty"`

	// recent starts, the last one last: the last 20 of all, and the last 10 of each group.
	//
	// +optional
	// +listType=map
	// +listMapKey=pod
	// +kubebuilder:validation:MaxItems=100
	Recent []ColdStart `json:"recent,omitempty"`
}

// ColdStartGroup are the last 10 starts on one kind of node, in one state.
type ColdStartGroup struct {
	// accelerator of the node, by its label nvidia.com/gpu.product; else its instance type.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	Accelerator string `json:"accelerator"`

	// weights is whether they were on the node.
	//
	// +required
	Weights NodeState `json:"weights"`

	// starts that there were, at most 10.
	//
	// +optional
	Starts int32 `json:"starts"`

	// p50Seconds from wanted to Ready.
	//
	// +optional
	P50Seconds int32 `json:"p50Seconds"`

	// p90Seconds from wanted to Ready.
	//
	// +optional
	P90Seconds int32 `json:"p90Seconds"`
}

// ColdStart is one start, by phase. Conditions of pods are told in whole seconds, and so is this.
type ColdStart struct {
	// +required
	// +kubebuilder:validation:MaxLength=253
	Pod string `json:"pod"`

	// at is when the pod was Ready.
	//
	// +required
	At metav1.Time `json:"at"`

	// accelerator of its node, by the label nvidia.com/gpu.product; else the node's instance type.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Accelerator string `json:"accelerator,omitempty"`

	// weights is whether they were on the node.
	//
	// +optional
	Weights NodeState `json:"weights,omitempty"`

	// images is whether they were on the node.
	//
	// +optional
	Images NodeState `json:"images,omitempty"`

	// scheduledSeconds until it had a node.
	//
	// +optional
	ScheduledSeconds int32 `json:"scheduledSeconds"`

	// mountedSeconds until its volumes were there: what it waited for weights.
	//
	// +optional
	MountedSeconds int32 `json:"mountedSeconds"`

	// pulledSeconds until its images were there.
	//
	// +optional
	PulledSeconds int32 `json:"pulledSeconds,omitempty"`

	// startedSeconds until its containers ran.
	//
	// +optional
	StartedSeconds int32 `json:"startedSeconds"`

	// loadedSeconds until its weights were in VRAM; 0 where nobody watched.
	//
	// +optional
	LoadedSeconds int32 `json:"loadedSeconds"`

	// readySeconds until it was Ready.
	//
	// +optional
	ReadySeconds int32 `json:"readySeconds"`
}

// Total of all phases, in seconds.
func (c *ColdStart) Total() int32 {
	return c.ScheduledSeconds + c.MountedSeconds + c.PulledSeconds + c.StartedSeconds + c.LoadedSeconds + c.ReadySeconds
}
