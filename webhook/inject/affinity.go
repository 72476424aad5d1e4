// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// gpuMemoryLabel of a node is the memory of each of its GPUs in MiB, by NVIDIA's GPU feature discovery.
const gpuMemoryLabel = "nvidia.com/gpu.memory"

// Weights of preferences, of at most 100.
const (
	holdsWeight   = 100
	gettingWeight = 50
	freeWeight    = 20
)

// preferHolders prefers nodes that have the model, or are getting it: a wrong guess costs a download and never a place.
func preferHolders(pod *corev1.Pod, model Key) {
	label := v1alpha1.ModelLabel(model.Namespace, model.Name)
	prefer(pod, holdsWeight, label, corev1.NodeSelectorOpIn, string(v1alpha1.ReadyPhase))
	prefer(pod, gettingWeight, label, corev1.NodeSelectorOpIn, string(v1alpha1.FetchingPhase))
}

// preferFree prefers nodes with a GPU that has so much memory free now.
func preferFree(pod *corev1.Pod, bytes int64) {
	prefer(pod, freeWeight, v1alpha1.FreeVRAMLabel, corev1.NodeSelectorOpGt, strconv.FormatInt(mib(bytes)-1, 10))
}

func prefer(pod *corev1.Pod, weight int32, key string, operator corev1.NodeSelectorOperator, value string) {
	term := corev1.PreferredSchedulingTerm{Weight: weight, Preference: corev1.NodeSelectorTerm{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: operator, Values: []string{value}}}}}
	affinity := nodeAffinity(pod)
	for i := range affinity.PreferredDuringSchedulingIgnoredDuringExecution {
		if equality.Semantic.DeepEqual(affinity.PreferredDuringSchedulingIgnoredDuringExecution[i], term) {
			return
		}
	}
	affinity.PreferredDuringSchedulingIgnoredDuringExecution = append(affinity.PreferredDuringSchedulingIgnoredDuringExecution, term)
}

// requireMemory keeps the pod from nodes whose GPUs are too small, unless its author says something about their memory.
func requireMemory(pod *corev1.Pod, bytes int64) {
	more := corev1.NodeSelectorRequirement{Key: gpuMemoryLabel, Operator: corev1.NodeSelectorOpGt, Values: []string{strconv.FormatInt(mib(bytes)-1, 10)}}
	affinity := nodeAffinity(pod)
	if affinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		affinity.RequiredDuringSchedulingIgnoredDuringExecution = &corev1.NodeSelector{}
	}
	required := affinity.RequiredDuringSchedulingIgnoredDuringExecution
	if len(required.NodeSelectorTerms) == 0 {
		required.NodeSelectorTerms = []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{more}}}
	}
	said := func(r corev1.NodeSelectorRequirement) bool { return r.Key == gpuMemoryLabel }
	for i := range required.NodeSelectorTerms { // one of them must hold: each gets it, but those that never do
		term := &required.NodeSelectorTerms[i]
		if empty := len(term.MatchExpressions)+len(term.MatchFields) == 0; !empty && !slices.ContainsFunc(term.MatchExpressions, said) {
			term.MatchExpressions = append(term.MatchExpressions, more)
		}
	}
}

func nodeAffinity(pod *corev1.Pod) *corev1.NodeAffinity {
	if pod.Spec.Affinity == nil {
		pod.Spec.Affinity = &corev1.Affinity{}
	}
	if pod.Spec.Affinity.NodeAffinity == nil {
		pod.Spec.Affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	return pod.Spec.Affinity.NodeAffinity
}

// mib are the mebibytes that bytes take, rounded up.
func mib(bytes int64) int64 { return (bytes + 1<<20 - 1) >> 20 }
