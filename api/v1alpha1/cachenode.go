// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxModels is the most models that one CacheNode holds.
const MaxModels = 256

// CacheNode says what one node shall hold, which the controller alone writes, and what it holds, which that node's agent alone writes.
// It has the name of the node, and goes with it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=cn,categories=hoist
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Models",type=string,JSONPath=`.status.copies.readyOfTotal`
// +kubebuilder:printcolumn:name="Used",type=string,JSONPath=`.status.disk.used`
// +kubebuilder:printcolumn:name="Budget",type=string,JSONPath=`.status.disk.budget`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Disk",type=string,JSONPath=`.status.disk.health`,priority=1
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type CacheNode struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +optional
	Spec CacheNodeSpec `json:"spec,omitempty,omitzero"`
	// +optional
	Status CacheNodeStatus `json:"status,omitempty,omitzero"`
}

// CacheNodeSpec is what the node shall hold.
type CacheNodeSpec struct {
	// models that the node shall hold.
	//
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Models []WantedModel `json:"models,omitempty"`

	// images that the node's container runtime shall hold.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=512
	Images []string `json:"images,omitempty"`
}

// MaxImages is the most images that one CacheNode holds.
const MaxImages = 64

// WantedModel is one model that a node shall hold. What it is, the Model says.
type WantedModel struct {
	// namespace of the Model.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`

	// name of the Model.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// revision to hold.
	//
	// +required
	// +kubebuilder:validation:Pattern=`^sha256:[0-9a-f]{64}$`
	Revision string `json:"revision"`

	// priority of the download.
	//
	// +optional
	// +kubebuilder:default=Bulk
	Priority Priority `json:"priority,omitempty"`

	// tier is how far up the bytes go.
	//
	// +optional
	// +kubebuilder:default=Disk
	Tier Tier `json:"tier,omitempty"`
}

// CacheNodeStatus is what the node holds.
type CacheNodeStatus struct {
	// conditions are Ready.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that the agent works towards.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// models that are on the node, or on their way.
	//
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Models []HeldModel `json:"models,omitempty"`

	// images that were asked for.
	//
	// +optional
	// +listType=map
	// +listMapKey=image
	// +kubebuilder:validation:MaxItems=64
	Images []HeldImage `json:"images,omitempty"`

	// copies counts the models.
	//
	// +optional
	Copies Copies `json:"copies,omitempty,omitzero"`

	// disk is the cache's.
	//
	// +optional
	Disk DiskStatus `json:"disk,omitempty,omitzero"`

	// gpus of the node, as its driver tells; none where it can't be asked.
	//
	// +optional
	// +listType=map
	// +listMapKey=uuid
	// +kubebuilder:validation:MaxItems=128
	GPUs []GPU `json:"gpus,omitempty"`

	// reportedAt is when the agent wrote this. It writes at least every 90 seconds.
	//
	// +optional
	ReportedAt *metav1.Time `json:"reportedAt,omitempty"`

	// version of the agent.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Version string `json:"version,omitempty"`
}

// Phase says where a model is on its way to the node.
//
// +kubebuilder:validation:Enum=Pending;Fetching;Ready;Failed
type Phase string

// The phases, in the order in which a model goes through them.
const (
	PendingPhase  Phase = "Pending"  // not looked at yet
	FetchingPhase Phase = "Fetching" // bytes are on their way
	ReadyPhase    Phase = "Ready"    // the whole, verified revision is present
	FailedPhase   Phase = "Failed"   // the last attempt failed; message says why
)

// HeldModel is one model on a node.
type HeldModel struct {
	// namespace of the Model.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`

	// name of the Model.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// revision that is present, or on its way.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=71
	Revision string `json:"revision,omitempty"`

	// phase of that revision.
	//
	// +required
	Phase Phase `json:"phase"`

	// bytesTotal of the revision.
	//
	// +optional
	BytesTotal int64 `json:"bytesTotal,omitempty"`

	// bytesDone are on the disk, verified.
	//
	// +optional
	BytesDone int64 `json:"bytesDone,omitempty"`

	// memoryBytes of it are in the page cache, where the tier is Memory.
	//
	// +optional
	MemoryBytes int64 `json:"memoryBytes,omitempty"`

	// bytesPerSecond of the download; -1 is unknown, 0 when there is none.
	//
	// +optional
	BytesPerSecond int64 `json:"bytesPerSecond"`

	// remainingSeconds of the download; -1 is unknown.
	//
	// +optional
	RemainingSeconds int64 `json:"remainingSeconds"`

	// message says why a phase is Failed.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`

	// lastUsed is when a pod mounted it, or gave it back, last.
	//
	// +optional
	LastUsed *metav1.Time `json:"lastUsed,omitempty"`

	// mounts is the number of pods that have it mounted.
	//
	// +optional
	Mounts int32 `json:"mounts,omitempty"`
}

// HeldImage is one container image on a node.
type HeldImage struct {
	// image as pods name it.
	//
	// +required
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image"`

	// phase it is in.
	//
	// +required
	Phase Phase `json:"phase"`

	// message says why a phase is Failed.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
}

// GPU is one GPU of a node, or one MIG instance of it.
type GPU struct {
	// uuid of the device, as the device plugin names it.
	//
	// +required
	// +kubebuilder:validation:MaxLength=96
	UUID string `json:"uuid"`

	// index of the GPU on the node.
	//
	// +optional
	Index int32 `json:"index"`

	// name of the product.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=96
	Name string `json:"name,omitempty"`

	// totalBytes of memory.
	//
	// +optional
	TotalBytes int64 `json:"totalBytes,omitempty"`

	// usedBytes that processes hold.
	//
	// +optional
	UsedBytes int64 `json:"usedBytes,omitempty"`

	// pods with a mounted model that hold some of it.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Pods []GPUPod `json:"pods,omitempty"`
}

// GPUPod is what one pod holds of a GPU.
type GPUPod struct {
	// namespace of the pod.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`

	// name of the pod.
	//
	// +required
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// usedBytes that its processes hold.
	//
	// +optional
	UsedBytes int64 `json:"usedBytes,omitempty"`
}

// DiskStatus is the cache's disk.
type DiskStatus struct {
	// health is Normal, Unstable or Down.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Health string `json:"health,omitempty"`

	// budgetBytes is what the cache may use in all.
	//
	// +optional
	BudgetBytes int64 `json:"budgetBytes,omitempty"`

	// usedBytes of the budget.
	//
	// +optional
	UsedBytes int64 `json:"usedBytes,omitempty"`

	// budget for people, such as 1.5Ti.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Budget string `json:"budget,omitempty"`

	// used for people.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Used string `json:"used,omitempty"`
}

// CacheNodeList is a list of CacheNodes.
//
// +kubebuilder:object:root=true
type CacheNodeList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CacheNode `json:"items"`
}
