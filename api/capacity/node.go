// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	helper "k8s.io/component-helpers/resource"
	scheduling "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// gpuMemory is NVIDIA's label of how many MiB each GPU of a node has.
const gpuMemory = "nvidia.com/gpu.memory"

type nodeFit struct {
	Node
	stranded int64 // GPUs
}

// fitNode asks one node; pods are those on it.
func fitNode(pod *corev1.Pod, node *corev1.Node, pods []*corev1.Pod) nodeFit {
	n := nodeFit{Node: Node{Name: node.Name}}
	if why, stopped := filter(pod, node); stopped {
		n.Next = why
		return n
	}
	left := leftover(node, pods)
	n.More, n.Next = room(helper.PodRequests(pod, helper.PodResourcesOptions{}), left)
	if apart(pod) {
		if most := int64(1) - conflicts(pod, pods); most < n.More {
			n.More, n.Next = max(most, 0), Why{Stop: Anti}
		}
	}
	n.stranded = stranded(pod, left, n.More)
	return n
}

// filter are the filters that do not depend on how much is left.
func filter(pod *corev1.Pod, node *corev1.Node) (Why, bool) {
	if node.Spec.Unschedulable || !ready(node) {
		return Why{Stop: NotReady}, true
	}
	hard := func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }
	if taint, is := scheduling.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations, hard, false); is {
		return Why{Stop: Taint, Detail: taint.ToString()}, true
	}
	if match, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node); err == nil && match {
		return Why{}, false
	}
	if match, err := nodeaffinity.GetRequiredNodeAffinity(withoutMemory(pod)).Match(node); err == nil && match {
		return Why{Stop: VRAM}, true
	}
	return Why{Stop: Selector}, true
}

func ready(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// withoutMemory is the pod without what it demands of the memory of GPUs.
func withoutMemory(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil || pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return pod
	}
	terms := pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	for i := range terms {
		terms[i].MatchExpressions = slices.DeleteFunc(terms[i].MatchExpressions, func(r corev1.NodeSelectorRequirement) bool { return r.Key == gpuMemory })
		if len(terms[i].MatchExpressions) == 0 && len(terms[i].MatchFields) == 0 { // an empty term matches nothing, and this one asked for nothing else
			pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = nil
			return pod
		}
	}
	return pod
}
