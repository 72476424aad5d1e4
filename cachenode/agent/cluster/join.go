// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Join makes the node's CacheNode, if it is not there. It goes with the node, which is read directly: agents do not watch nodes.
func Join(ctx context.Context, c client.Client, direct client.Reader, nodeName string) error {
	var node metav1.PartialObjectMetadata
	node.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Node"))
	if err := direct.Get(ctx, client.ObjectKey{Name: nodeName}, &node); err != nil {
		return fmt.Errorf("find the node %s: %w", nodeName, err)
	}
	err := c.Create(ctx, &v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: nodeName, OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "Node", Name: nodeName, UID: node.UID}}}})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
