// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"

	"github.com/hoist-dev/hoist/cachenode"
)

// DriverName is what pods name in their volumes and what the kubelet knows us by.
const DriverName = "csi.hoist.dev"

// Claim is what a pod asks for. Claims are compared: equal ones ask for the same.
type Claim struct {
	Volume string   `json:"volume"` // the kubelet's id of the volume
	Pod    PodRef   `json:"pod"`
	Model  ModelRef `json:"model"`
	Gate   Gate     `json:"gate,omitzero"`
}

// Gate is what the pod's readiness waits for.
type Gate struct {
	Waits         bool  `json:"waits"`
	Continuous    bool  `json:"continuous,omitempty"`    // for as long as the pod lives, and not once
	WeightsPerGPU int64 `json:"weightsPerGPU,omitempty"` // bytes; 0 is unknown
	GPUs          int64 `json:"gpus,omitempty"`          // that hold weights; 0 is all that the pod has
	Load          Load  `json:"load,omitzero"`
}

// Load is a server that loads a model when it is asked to; without one the Model is "".
type Load struct {
	Server string `json:"server"` // its kind
	Port   int64  `json:"port"`
	Model  string `json:"model"` // the name that it gives the model
}

// PodRef is the pod, as the kubelet knows it: a pod can't choose what stands here.
type PodRef struct {
	Namespace      string `json:"namespace"`
	Name           string `json:"name"`
	UID            string `json:"uid"`
	ServiceAccount string `json:"serviceAccount"`
}

// ModelRef is the Model. Its namespace is the pod's, unless the pod names another:
// whether it may is for [Models] to say.
type ModelRef struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String is "namespace/name".
func (p PodRef) String() string { return p.Namespace + "/" + p.Name }

// String is "namespace/name".
func (m ModelRef) String() string { return m.Namespace + "/" + m.Name }

// Models hands out leases on revisions. Methods are called concurrently, for
// different volumes.
type Models interface {
	// Acquire blocks until a whole revision of the model is on the disk, leased, or ctx
	// ends. Its error has a kind (see cachenode), ErrDenied where the pod may not have
	// the model. When ctx ends the error says how far it is, for the pod's events:
	// "12.3 of 70.1 GB, 3 min left".
	Acquire(ctx context.Context, claim Claim) (Lease, error)

	// Resume takes again, at once, the lease of a mount that survived a restart.
	Resume(claim Claim, revision cachenode.Revision) (Lease, error)

	// Progress says how far Acquire is, in the words of its error, or "".
	Progress(claim Claim) string
}

// Lease keeps a revision on the disk until Release, which is called once.
type Lease struct {
	Path     string // the directory to mount, absolute
	Revision cachenode.Revision
	Release  func()
}
