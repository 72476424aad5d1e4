// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// apart reports whether pods of this kind go on nodes of their own: by required anti-affinity among themselves, or a port of the host.
func apart(pod *corev1.Pod) bool {
	if len(hostPorts(pod)) > 0 {
		return true
	}
	return slices.ContainsFunc(antiTerms(pod), func(t corev1.PodAffinityTerm) bool { return selects(t, pod, pod) })
}

// conflicts is how many pods of a node keep the pod away.
func conflicts(pod *corev1.Pod, pods []*corev1.Pod) (n int64) {
	ports, terms := hostPorts(pod), antiTerms(pod)
	for _, p := range pods {
		if slices.ContainsFunc(hostPorts(p), func(h int32) bool { return slices.Contains(ports, h) }) ||
			slices.ContainsFunc(terms, func(t corev1.PodAffinityTerm) bool { return selects(t, pod, p) }) {
			n++
		}
	}
	return n
}

func antiTerms(pod *corev1.Pod) []corev1.PodAffinityTerm {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.PodAntiAffinity == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution),
		func(t corev1.PodAffinityTerm) bool { return t.TopologyKey != corev1.LabelHostname })
}

// selects reports whether a term of one pod is about another.
func selects(t corev1.PodAffinityTerm, of, other *corev1.Pod) bool {
	if len(t.Namespaces) == 0 && t.NamespaceSelector == nil && of.Namespace != other.Namespace || len(t.Namespaces) > 0 && !slices.Contains(t.Namespaces, other.Namespace) {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(t.LabelSelector)
	return err == nil && selector.Matches(labels.Set(other.Labels))
}

func hostPorts(pod *corev1.Pod) (ports []int32) {
	for i := range pod.Spec.Containers {
		for _, p := range pod.Spec.Containers[i].Ports {
			if p.HostPort > 0 {
				ports = append(ports, p.HostPort)
			}
		}
	}
	return ports
}
