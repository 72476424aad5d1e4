// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/webhook/inject"
)

// sized selects the nodes that say how much memory their GPUs have.
var sized = func() labels.Selector {
	r, err := labels.NewRequirement("nvidia.com/gpu.memory", selection.Exists, nil)
	if err != nil {
		panic(err) // it is a constant
	}
	return labels.NewSelector().Add(*r)
}()

// facts is what the cluster knows for a pod with these annotations. reader is a cache: no request leaves the process.
func facts(ctx context.Context, reader client.Reader, annotations map[string]string, namespace string) (inject.Facts, error) {
	var f inject.Facts
	var nodes corev1.NodeList
	if err := reader.List(ctx, &nodes, client.MatchingLabelsSelector{Selector: sized}, client.Limit(1), client.UnsafeDisableDeepCopy); err != nil {
		return f, err
	}
	f.MemoryLabels = len(nodes.Items) > 0
	request, err := inject.Parse(annotations, namespace)
	if err != nil {
		return f, nil //nolint:nilerr // whoever injects says so
	}
	var model v1alpha1.Model
	err = reader.Get(ctx, client.ObjectKey{Namespace: request.Model.Namespace, Name: request.Model.Name}, &model)
	if err == nil {
		f.Model = &model
	}
	return f, client.IgnoreNotFound(err)
}
