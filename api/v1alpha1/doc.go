// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds Hoist's kinds: what a model is (Model), where it shall be (Prefetch), what one node shall hold and holds
// (CacheNode).
//
// Conditions follow the Kubernetes API conventions: their types and reasons are constants of this package, a condition's
// observedGeneration says which spec it speaks of, and -1 stands for an unknown number.
//
// +kubebuilder:object:generate=true
// +groupName=hoist.dev
package v1alpha1

//go:generate ../../bin/tools/controller-gen object:headerFile=header.txt crd:generateEmbeddedObjectMeta=false paths=. output:crd:artifacts:config=../../deploy/chart/crds
