// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/bench/result"
)

// gpuProduct is the label that NVIDIA's feature discovery gives nodes.
const gpuProduct = "nvidia.com/gpu.product"

// machine is the cluster: one of the nodes that have a copy of the model, or any.
func (b *bench) machine(ctx context.Context) (result.Machine, error) {
	list, err := b.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) == 0 {
		return result.Machine{}, err
	}
	all, err := b.holdings(ctx)
	if err != nil {
		return result.Machine{}, err
	}
	node := &list.Items[0]
	for i := range list.Items {
		if all[list.Items[i].Name].ready {
			node = &list.Items[i]
			break
		}
	}
	m := result.Machine{CPU: node.Status.NodeInfo.Architecture, Cores: int(node.Status.Capacity.Cpu().Value()), Memory: node.Status.Capacity.Memory().Value(),
		Kernel: node.Status.NodeInfo.KernelVersion, Nodes: len(list.Items)}
	if kind := node.Labels[corev1.LabelInstanceTypeStable]; kind != "" {
		m.CPU = kind
	}
	if gpus, has := node.Status.Capacity["nvidia.com/gpu"]; has {
		m.GPU = fmt.Sprintf("%s nvidia.com/gpu", gpus.String())
		if product := node.Labels[gpuProduct]; product != "" {
			m.GPU = gpus.String() + " x " + product
		}
	}
	return m, nil
}
