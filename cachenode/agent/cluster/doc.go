// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package cluster joins a node to Kubernetes. It works towards the spec of the node's own CacheNode, reports its status, and gives
// pods the models that they mount.
//
// The disk is the truth: what a status says was read from the store. Nothing here is needed by a pod that has its mount.
package cluster

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// storeName is what the store calls a Model: namespaces have no dots, so there is a way back.
func storeName(model types.NamespacedName) string { return model.Namespace + "." + model.Name }

func modelOf(storeName string) (types.NamespacedName, bool) {
	namespace, name, ok := strings.Cut(storeName, ".")
	return types.NamespacedName{Namespace: namespace, Name: name}, ok
}
