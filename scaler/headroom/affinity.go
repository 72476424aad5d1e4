// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package headroom

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// prefers is the weight of nodes that hold the model, that of the webhook.
const prefers = 100

// affinity is where placeholders may be: where the target's pods may. Its terms speak of pods of the target's namespace, and what keeps the target's
// pods apart keeps placeholders apart from those, and from each other.
func affinity(namespace string, template *corev1.PodTemplateSpec, model string, own map[string]string) *corev1.Affinity {
	a := template.Spec.Affinity.DeepCopy()
	if a == nil {
		a = &corev1.Affinity{}
	}
	if model != "" {
		if a.NodeAffinity == nil {
			a.NodeAffinity = &corev1.NodeAffinity{}
		}
		a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution = append(a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution,
			corev1.PreferredSchedulingTerm{Weight: prefers, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
				{Key: v1alpha1.ModelLabel(namespace, model), Operator: corev1.NodeSelectorOpIn, Values: []string{string(v1alpha1.ReadyPhase)}}}}})
	}
	if near := a.PodAffinity; near != nil {
		// The first of pods that want to be together may be anywhere; placeholders, which are none of them, could not.
		near.RequiredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(abroad(near.RequiredDuringSchedulingIgnoredDuringExecution, namespace),
			func(t corev1.PodAffinityTerm) bool { return selects(t, namespace, template.Labels) })
		preferred(near.PreferredDuringSchedulingIgnoredDuringExecution, namespace)
	}
	if apart := a.PodAntiAffinity; apart != nil {
		required := abroad(apart.RequiredDuringSchedulingIgnoredDuringExecution, namespace)
		for _, t := range slices.Clone(required) {
			if selects(t, namespace, template.Labels) {
				required = append(required, corev1.PodAffinityTerm{TopologyKey: t.TopologyKey, LabelSelector: &metav1.LabelSelector{MatchLabels: own}})
			}
		}
		apart.RequiredDuringSchedulingIgnoredDuringExecution = required
		preferred(apart.PreferredDuringSchedulingIgnoredDuringExecution, namespace)
	}
	if a.NodeAffinity == nil && a.PodAffinity == nil && a.PodAntiAffinity == nil {
		return nil
	}
	return a
}

// abroad has terms speak of the pods that they speak of in the target's namespace. Those of a revision of the target are those of any: placeholders
// have revisions of their own.
func abroad(terms []corev1.PodAffinityTerm, namespace string) []corev1.PodAffinityTerm {
	for i := range terms {
		t := &terms[i]
		t.MatchLabelKeys, t.MismatchLabelKeys = nil, nil
		if len(t.Namespaces) == 0 && t.NamespaceSelector == nil {
			t.Namespaces = []string{namespace}
		}
	}
	return terms
}

func preferred(terms []corev1.WeightedPodAffinityTerm, namespace string) {
	for i := range terms {
		terms[i].PodAffinityTerm = abroad([]corev1.PodAffinityTerm{terms[i].PodAffinityTerm}, namespace)[0]
	}
}

// selects reports whether a term speaks of pods with these labels in this namespace, which a selector of namespaces is taken to match.
func selects(t corev1.PodAffinityTerm, namespace string, pod map[string]string) bool {
	if t.NamespaceSelector == nil && !slices.Contains(t.Namespaces, namespace) {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(t.LabelSelector)
	return err == nil && selector.Matches(labels.Set(pod))
}

// spread has placeholders spread among themselves as the target's pods do: a constraint counts pods of its own namespace alone.
func spread(constraints []corev1.TopologySpreadConstraint, own map[string]string) []corev1.TopologySpreadConstraint {
	var all []corev1.TopologySpreadConstraint
	for i := range constraints {
		c := *constraints[i].DeepCopy()
		c.LabelSelector, c.MatchLabelKeys = &metav1.LabelSelector{MatchLabels: own}, nil
		all = append(all, c)
	}
	return all
}
