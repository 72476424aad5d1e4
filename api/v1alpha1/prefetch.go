// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Prefetch says where and when: which nodes hold a Model before a pod asks for it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=pf,categories=hoist,path=prefetches
// +kubebuilder:printcolumn:name="Model",type=string,JSONPath=`.spec.modelName`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.copies.readyOfTotal`
// +kubebuilder:printcolumn:name="Progress",type=string,JSONPath=`.status.progress`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="ETA",type=integer,JSONPath=`.status.remainingSeconds`,priority=1,description="seconds until the slowest node has it; -1 is unknown"
// +kubebuilder:printcolumn:name="Slowest",type=string,JSONPath=`.status.slowestNode`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type Prefetch struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec PrefetchSpec `json:"spec"`
	// +optional
	Status PrefetchStatus `json:"status,omitempty,omitzero"`
}

// PrefetchSpec is what the user says.
type PrefetchSpec struct {
	// modelName names a Model in the same namespace.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ModelName string `json:"modelName"`

	// nodes says which; every node with an agent when it is left out.
	//
	// +optional
	Nodes NodeTarget `json:"nodes,omitzero"`

	// tier is how far up the bytes go: onto the disk, or also into the page cache, as far as memory is free.
	//
	// +optional
	// +kubebuilder:default=Disk
	Tier Tier `json:"tier,omitempty"`

	// images are container images that the nodes pull along, as pods name them, so that a cold start does not wait for them either.
	// Images that need a pull secret can't be.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^[a-zA-Z0-9][a-zA-Z0-9._:/@-]*$`
	Images []string `json:"images,omitempty"`

	// priority between prefetches of one node. A pod that waits goes before any of them.
	//
	// +optional
	// +kubebuilder:default=Bulk
	Priority Priority `json:"priority,omitempty"`

	// schedule says when the copies shall be there; always when it is left out.
	//
	// +optional
	Schedule *Schedule `json:"schedule,omitempty"`

	// ttlAfterLastUse lets a node drop its copy when no pod has used it for that long; 0 or none keeps it.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s')",message="ttlAfterLastUse can't be negative"
	TTLAfterLastUse *metav1.Duration `json:"ttlAfterLastUse,omitempty"`

	// suspend stops new downloads. Copies stay.
	//
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// NodeTarget says which nodes, and how many of them.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.count) && has(self.percent))",message="say count or percent, not both"
type NodeTarget struct {
	// selector chooses nodes by their labels.
	//
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`

	// count of the chosen nodes.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Count *int32 `json:"count,omitempty"`

	// percent of the chosen nodes, rounded up.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Percent *int32 `json:"percent,omitempty"`
}

// Tier is where the bytes are kept.
//
// +kubebuilder:validation:Enum=Disk;Memory
type Tier string

// The tiers.
const (
	DiskTier   Tier = "Disk"
	MemoryTier Tier = "Memory"
)

// Priority orders prefetches on a node.
//
// +kubebuilder:validation:Enum=Bulk;Forecast
type Priority string

// The priorities, from "some day" to "a scale-up is expected".
const (
	BulkPriority     Priority = "Bulk"
	ForecastPriority Priority = "Forecast"
)

// Schedule is a window that opens again and again.
type Schedule struct {
	// start is when the window opens: a cron expression of five fields, such as 30 7 * * 1-5.
	//
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^\s*[^\s=@]+(\s+[^\s=@]+){4}\s*$`
	Start string `json:"start"`

	// timeZone of start, such as Europe/Berlin (IANA); UTC when it is left out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`

	// duration of the window.
	//
	// +required
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('168h')",message="duration must be between 1m and 168h"
	Duration metav1.Duration `json:"duration"`
}

// PrefetchStatus is how far it is.
type PrefetchStatus struct {
	// conditions are Ready, Progressing, CapacityAvailable.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that status speaks of.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// copies on the nodes that were chosen.
	//
	// +optional
	Copies Copies `json:"copies,omitempty,omitzero"`

	// bytesTotal of all chosen nodes together.
	//
	// +optional
	BytesTotal int64 `json:"bytesTotal,omitempty"`

	// bytesDone of them that are on the nodes, verified.
	//
	// +optional
	BytesDone int64 `json:"bytesDone,omitempty"`

	// progress is bytesDone of bytesTotal for people: 42%.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=8
	Progress string `json:"progress,omitempty"`

	// bytesPerSecond of all nodes together; -1 is unknown.
	//
	// +optional
	BytesPerSecond int64 `json:"bytesPerSecond"`

	// remainingSeconds of the slowest node; -1 is unknown.
	//
	// +optional
	RemainingSeconds int64 `json:"remainingSeconds"`

	// slowestNode is the one that the rest waits for.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	SlowestNode string `json:"slowestNode,omitempty"`

	// lastUsed is when a pod of any node used the model last, where there is a ttlAfterLastUse: what it let go stays away until then
	// changes, or the spec does.
	//
	// +optional
	LastUsed *metav1.Time `json:"lastUsed,omitempty"`
}

// PrefetchList is a list of Prefetches.
//
// +kubebuilder:object:root=true
type PrefetchList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Prefetch `json:"items"`
}
