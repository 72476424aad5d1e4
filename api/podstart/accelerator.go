// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package podstart

import corev1 "k8s.io/api/core/v1"

// Accelerator of a node, as NVIDIA's GPU feature discovery labels it; else the node's instance type, which has the same one everywhere; else "".
func Accelerator(node *corev1.Node) string {
	if product := node.Labels["nvidia.com/gpu.product"]; product != "" {
		return product
	}
	return node.Labels[corev1.LabelInstanceTypeStable]
}
