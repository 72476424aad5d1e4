// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// GPUMemory is the label of nodes that the webhook has pods go by: MiB of each GPU.
const GPUMemory = "nvidia.com/gpu.memory"

// tooBig says what a pod without a node demands of GPUs, where it does, and what the biggest of the cluster has.
func (s Scene) tooBig() string {
	need := needs(s.Pod)
	if need == 0 {
		return ""
	}
	text := fmt.Sprintf(" (each of its GPUs must have %s", v1alpha1.HumanBytes(need))
	if s.BiggestGPU > 0 {
		text += fmt.Sprintf(", and the biggest of this cluster has %s", v1alpha1.HumanBytes(s.BiggestGPU))
	}
	return text + "; the annotation " + v1alpha1.VRAMAnnotation + " says otherwise)"
}

// needs is the memory that a pod's required affinity asks of each GPU, in bytes; 0 is none.
func needs(pod *corev1.Pod) int64 {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil || pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return 0
	}
	for _, term := range pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			if e.Key != GPUMemory || e.Operator != corev1.NodeSelectorOpGt || len(e.Values) != 1 {
				continue
			}
			if mib, err := strconv.ParseInt(e.Values[0], 10, 44); err == nil && mib >= 0 {
				return (mib + 1) << 20
			}
		}
	}
	return 0
}
