// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package kueue

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	scheduling "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// keys are the labels that tell a group's flavors apart. What a pod asks of other labels is for the scheduler: Kueue does not look at it.
func (g *Group) keys(flavors map[string]*Flavor) sets.Set[string] {
	keys := sets.New[string]()
	for _, of := range g.Flavors {
		if f := flavors[of.Name]; f != nil {
			keys = keys.Union(sets.KeySet(f.Spec.NodeLabels))
		}
	}
	return keys
}

// closed are the flavors of a group that a pod gets nothing of, each with the reason. A flavor that is not known is open to all.
func (g *Group) closed(pod *corev1.Pod, flavors map[string]*Flavor) map[string]string {
	selector := nodeaffinity.GetRequiredNodeAffinity(asking(pod, g.keys(flavors)))
	closed := map[string]string{}
	for _, of := range g.Flavors {
		f := flavors[of.Name]
		if f == nil {
			continue
		}
		if taint, is := f.taint(pod); is {
			closed[of.Name] = fmt.Sprintf("%s has the taint %s, which they do not tolerate", of.Name, taint.ToString())
		} else if match, err := selector.Match(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: f.Spec.NodeLabels}}); err != nil || !match {
			closed[of.Name] = of.Name + " has not the labels that they select"
		}
	}
	return closed
}

// open are the flavors that a pod may get some of, told with what they are called; "" is all of them.
func (g *Group) open(closed map[string]string) string {
	var names []string
	for _, of := range g.Flavors {
		if closed[of.Name] == "" {
			names = append(names, of.Name)
		}
	}
	switch {
	case len(closed) == 0:
		return ""
	case len(names) == 1:
		return "flavor " + names[0]
	}
	return "flavors " + strings.Join(names, ", ")
}

// taint is one of the flavor's that neither the pod nor the flavor itself tolerates.
func (f *Flavor) taint(pod *corev1.Pod) (corev1.Taint, bool) {
	hard := func(t *corev1.Taint) bool {
		return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
	}
	return scheduling.FindMatchingUntoleratedTaint(klog.Background(), f.Spec.NodeTaints, slices.Concat(pod.Spec.Tolerations, f.Spec.Tolerations), hard, true)
}

// asking is a pod that asks of nodes what this one does of some labels. Of terms of which one is enough, one that asks for nothing of them asks for nothing.
func asking(pod *corev1.Pod, keys sets.Set[string]) *corev1.Pod {
	p := &corev1.Pod{}
	p.Spec.NodeSelector = maps.Clone(pod.Spec.NodeSelector)
	maps.DeleteFunc(p.Spec.NodeSelector, func(key, _ string) bool { return !keys.Has(key) })
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil || pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return p
	}
	var terms []corev1.NodeSelectorTerm
	for _, term := range pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		var of []corev1.NodeSelectorRequirement
		for _, r := range term.MatchExpressions {
			if keys.Has(r.Key) {
				of = append(of, r)
			}
		}
		if len(of) == 0 {
			return p
		}
		terms = append(terms, corev1.NodeSelectorTerm{MatchExpressions: of})
	}
	if len(terms) > 0 {
		p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms}}}
	}
	return p
}
