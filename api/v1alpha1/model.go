// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Model says what: where the weights of one model live, which files belong to it, and who may mount it.
//
// Pods name a Model of their own namespace, or one that grants theirs, never a URI.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=mdl,categories=hoist
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Copies",type=string,JSONPath=`.status.copies.readyOfTotal`
// +kubebuilder:printcolumn:name="Size",type=string,JSONPath=`.status.size`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.spec.source`,priority=1
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.revision`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",message="the name of a Model may have at most 63 characters of a-z, 0-9 and -: it is part of labels and paths"
type Model struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec ModelSpec `json:"spec"`
	// +optional
	Status ModelStatus `json:"status,omitempty,omitzero"`
}

// ModelSpec is what the user says.
//
// +kubebuilder:validation:XValidation:rule="!has(self.s3) || self.source.matches('^(s3|minio|gs|oss|cos|obs|b2)://')",message="s3 is for stores that speak its protocol: s3, minio, gs, oss, cos, obs, b2"
// +kubebuilder:validation:XValidation:rule="!has(self.hf) || self.source.startsWith('hf://')",message="hf is for sources with hf://"
// +kubebuilder:validation:XValidation:rule="!has(self.layout) || !has(self.layout.huggingFace) || has(self.layout.huggingFace.repo) || self.source.startsWith('hf://')",message="layout.huggingFace.repo is needed for sources without hf://"
// +kubebuilder:validation:XValidation:rule="!has(self.credentials) || !self.source.startsWith('pvc://')",message="a volume that is mounted has no credentials"
// +kubebuilder:validation:XValidation:rule="self.source == oldSelf.source",message="source can't be changed, because pods rely on what the Model is: make another Model, or publish a new revision at the same source"
type ModelSpec struct {
	// source is the URI of the model, such as s3://bucket/prefix/ or hf://owner/repo@revision. docs/sources.md lists all kinds.
	//
	// +required
	// +kubebuilder:validation:MinLength=6
	// +kubebuilder:validation:MaxLength=1280
	// +kubebuilder:validation:XValidation:rule="self.matches('^(s3|gs|az|oss|cos|obs|b2|minio|juicefs|pvc)://[A-Za-z0-9._-]+(/.*)?$') || self.matches('^hf://[A-Za-z0-9._-]+/[A-Za-z0-9._-]+(@[A-Za-z0-9._%-]+)?(/.*)?$')",message="write source as s3://bucket/prefix/, hf://owner/repo@revision, juicefs://volume/path/ or pvc://claim/path/; gs, az, oss, cos, obs, b2 and minio are written as s3"
	// +kubebuilder:validation:XValidation:rule="(self.startsWith('hf://') || !self.contains('@')) && !self.matches('^[a-z0-9]+://[^/]*@') && !self.lowerAscii().contains('x-amz-signature=')",message="source has credentials in it: take them out and name a Secret in spec.credentials"
	Source string `json:"source"`

	// s3 says how to reach the bucket where the environment of Hoist's own pods does not.
	//
	// +optional
	S3 *S3Options `json:"s3,omitempty"`

	// hf says how to reach the Hugging Face Hub, or a mirror of it.
	//
	// +optional
	HF *HubOptions `json:"hf,omitempty"`

	// credentials are those that the source is read with. Without them it is read with the identity of Hoist's own service accounts
	// (IRSA, Pod Identity, or the node's).
	//
	// +optional
	Credentials *Credentials `json:"credentials,omitempty"`

	// files says which files of the source belong to the model; all of them when it is left out.
	//
	// +optional
	Files *FileSelection `json:"files,omitempty"`

	// layout says how the files lie in the mount; as they do at the source when it is left out.
	//
	// +optional
	Layout *Layout `json:"layout,omitempty"`

	// updates says what to do when the source has changed.
	//
	// +optional
	// +kubebuilder:default={}
	Updates UpdatePolicy `json:"updates,omitzero"`

	// allowedNamespaces may mount the model beside the Model's own namespace. "*" is every namespace.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:XValidation:rule="self == '*' || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="write the name of a namespace, or * for all of them"
	AllowedNamespaces []string `json:"allowedNamespaces,omitempty"`
}

// S3Options say how to reach a bucket, of AWS or of another store that speaks S3's protocol.
type S3Options struct {
	// endpoint is the URL of an S3 service other than AWS. minio:// needs it; gs, oss, cos, obs and b2 have their own.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/@?#]+/?$')",message="write endpoint as https://host:port, without a path and without credentials"
	Endpoint string `json:"endpoint,omitempty"`

	// region of the bucket. oss, cos, obs and b2 need it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-z0-9-]*$`
	Region string `json:"region,omitempty"`

	// anonymous reads a public bucket without any credentials.
	//
	// +optional
	Anonymous bool `json:"anonymous,omitempty"`
}

// HubOptions say how to reach a hub.
type HubOptions struct {
	// endpoint is the URL of a mirror. The token of Hoist's own environment is not sent there: name a Secret.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^@?#]+$')",message="write endpoint as https://host, without credentials"
	Endpoint string `json:"endpoint,omitempty"`

	// anonymous reads a public repository without any token.
	//
	// +optional
	Anonymous bool `json:"anonymous,omitempty"`
}

// Credentials name a Secret in the Model's namespace.
type Credentials struct {
	// secretName names a Secret with the keys that the kind of source needs: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3,
	// HF_TOKEN for hf, metaurl for juicefs. docs/sources.md lists all.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	SecretName string `json:"secretName"`
}

// FileSelection says which files belong to a model. A pattern is tried against the whole path and against the last element.
type FileSelection struct {
	// include lists patterns of files to take, such as *.safetensors; all files when it is empty.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=256
	Include []string `json:"include,omitempty"`

	// exclude lists patterns of files to leave out. It wins over include.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=256
	Exclude []string `json:"exclude,omitempty"`

	// allowPickle takes files that can run code when they are loaded (.bin, .pt, .ckpt).
	//
	// +optional
	AllowPickle bool `json:"allowPickle,omitempty"`
}

// Layout says how the files of a model lie in the mount.
type Layout struct {
	// huggingFace lays them out as the cache of huggingface_hub: hub/models--OWNER--REPO/snapshots/COMMIT. With HF_HOME set to the
	// mount, or HF_HUB_CACHE to its hub folder, and HF_HUB_OFFLINE=1, from_pretrained("OWNER/REPO") finds the model.
	//
	// +optional
	HuggingFace *HuggingFaceLayout `json:"huggingFace,omitempty"`
}

// HuggingFaceLayout names the repository.
type HuggingFaceLayout struct {
	// repo is what from_pretrained is called with, as owner/repo; that of the source with hf:// when it is left out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=193
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_][A-Za-z0-9._-]*/[A-Za-z0-9_][A-Za-z0-9._-]*$`
	Repo string `json:"repo,omitempty"`
}

// Follow says what happens when the source changes.
//
// +kubebuilder:validation:Enum=Hold;Follow
type Follow string

// The policies for a source that changes.
const (
	HoldRevision   Follow = "Hold"   // stay with the pinned revision; the condition SourceDrifted says that there is a newer one
	FollowRevision Follow = "Follow" // pin the newer revision; the old one stays on nodes until the new one is there
)

// UpdatePolicy says what to do when the source changes.
type UpdatePolicy struct {
	// policy is Hold or Follow.
	//
	// +optional
	// +kubebuilder:default=Hold
	Policy Follow `json:"policy,omitempty"`

	// interval is how often to look.
	//
	// +optional
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('30s') && duration(self) <= duration('168h')",message="interval must be between 30s and 168h"
	Interval *metav1.Duration `json:"interval,omitempty"`
}

// ModelStatus is what is known of a model.
type ModelStatus struct {
	// conditions are Resolved, Ready, SourceDrifted.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that status speaks of.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// revision is the pinned one: the SHA-256 digest of the canonical manifest, sha256:<64 hex digits>.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=71
	Revision string `json:"revision,omitempty"`

	// pinnedFor is a digest of the parts of the spec that the revision was pinned for: source, s3, hf, layout and files. When they change, it is
	// pinned again, whatever the policy.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	PinnedFor string `json:"pinnedFor,omitempty"`

	// latestRevision is what the source was when it was looked at last.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=71
	LatestRevision string `json:"latestRevision,omitempty"`

	// files is the number of files of the revision.
	//
	// +optional
	Files int32 `json:"files,omitempty"`

	// bytes of all files.
	//
	// +optional
	Bytes int64 `json:"bytes,omitempty"`

	// weightBytes is the part of bytes that goes into VRAM: files of safetensors, GGUF and the like.
	//
	// +optional
	WeightBytes int64 `json:"weightBytes,omitempty"`

	// size is bytes for people, such as 131.4Gi.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Size string `json:"size,omitempty"`

	// copies on nodes.
	//
	// +optional
	Copies Copies `json:"copies,omitempty,omitzero"`

	// checkedAt is when the source was looked at last.
	//
	// +optional
	CheckedAt *metav1.Time `json:"checkedAt,omitempty"`
}

// Copies counts copies of a model on nodes.
type Copies struct {
	// ready copies are whole, verified and of the pinned revision.
	Ready int32 `json:"ready"`

	// failed copies could not be made; CacheNode says why.
	Failed int32 `json:"failed"`

	// total is how many nodes shall hold the model, or do.
	Total int32 `json:"total"`

	// readyOfTotal is both for people: 3/5.
	//
	// +kubebuilder:validation:MaxLength=32
	ReadyOfTotal string `json:"readyOfTotal"`
}

// ModelList is a list of Models.
//
// +kubebuilder:object:root=true
type ModelList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Model `json:"items"`
}

// Admits reports whether pods of the namespace may mount the model.
func (m *Model) Admits(namespace string) bool {
	if namespace == m.Namespace {
		return true
	}
	for _, allowed := range m.Spec.AllowedNamespaces {
		if allowed == "*" || allowed == namespace {
			return true
		}
	}
	return false
}
