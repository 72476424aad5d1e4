// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package coldstart

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// What is remembered. A group has a memory of its own, so that a hundred starts on warm nodes do not make those on cold ones forgotten.
const (
	keptOfAll   = 20
	keptOfGroup = 10
	mostGroups  = 8
)

// Known reports whether as many starts are known as pods are Ready, or as many as are remembered. Where not, a look may have come too early.
func Known(status *v1alpha1.ColdStartStatus, ready int32) bool {
	return status != nil && len(status.Recent) >= min(int(ready), keptOfAll)
}

// News are the pods whose starts are not known yet and would be remembered, at most 20: those to read events of.
func News(status *v1alpha1.ColdStartStatus, pods []corev1.Pod) []*corev1.Pod {
	var recent []v1alpha1.ColdStart
	if status != nil {
		recent = status.Recent
	}
	type found struct {
		pod   *corev1.Pod
		start v1alpha1.ColdStart
	}
	var news []found
	for i := range pods {
		start, ok := Of(Seen{Pod: &pods[i]})
		if !ok || len(recent) >= keptOfAll && !start.At.After(recent[len(recent)-keptOfAll].At.Time) {
			continue
		}
		if known := slices.IndexFunc(recent, func(c v1alpha1.ColdStart) bool { return c.Pod == start.Pod }); known < 0 || again(&pods[i], recent[known]) {
			news = append(news, found{&pods[i], start})
		}
	}
	slices.SortFunc(news, func(a, b found) int { return order(a.start, b.start) })
	var all []*corev1.Pod
	for _, n := range news[max(0, len(news)-keptOfAll):] {
		all = append(all, n.pod)
	}
	return all
}

// again reports whether a pod is another one of the same name, as a StatefulSet makes them.
func again(pod *corev1.Pod, known v1alpha1.ColdStart) bool {
	return pod.CreationTimestamp.After(known.At.Time)
}

// Add takes the starts of pods over into what is known, and forgets the oldest, and those with another model than the last one's. It is nil before the first.
func Add(status *v1alpha1.ColdStartStatus, seen []Seen) *v1alpha1.ColdStartStatus {
	next := &v1alpha1.ColdStartStatus{}
	model := map[string]string{}
	if status != nil {
		next.Model, next.Recent = status.Model, slices.Clone(status.Recent)
		for _, c := range next.Recent {
			model[c.Pod] = status.Model
		}
	}
	for _, s := range seen {
		start, ok := Of(s)
		if !ok {
			continue
		}
		known := slices.IndexFunc(next.Recent, func(c v1alpha1.ColdStart) bool { return c.Pod == start.Pod })
		if known >= 0 && !again(s.Pod, next.Recent[known]) {
			continue
		}
		if known >= 0 {
			next.Recent = slices.Delete(next.Recent, known, known+1)
		}
		next.Recent, model[start.Pod] = append(next.Recent, start), modelOf(s.Pod)
	}
	if len(next.Recent) == 0 {
		return nil
	}
	slices.SortFunc(next.Recent, order)
	next.Model = model[next.Recent[len(next.Recent)-1].Pod]
	next.Recent = remembered(slices.DeleteFunc(next.Recent, func(c v1alpha1.ColdStart) bool { return model[c.Pod] != next.Model }))
	next.P50Seconds, next.P90Seconds = both(next.Recent[max(0, len(next.Recent)-keptOfAll):], (*v1alpha1.ColdStart).Total)
	next.Groups = groups(next.Recent)
	return next
}

// order is that in which pods became Ready.
func order(a, b v1alpha1.ColdStart) int {
	return cmp.Or(a.At.Compare(b.At.Time), cmp.Compare(a.Pod, b.Pod))
}

// modelOf is what a pod mounts.
func modelOf(pod *corev1.Pod) string {
	var all []string
	for i := range pod.Spec.Volumes {
		v := pod.Spec.Volumes[i].CSI
		if v == nil || v.Driver != v1alpha1.Driver {
			continue
		}
		namespace, elsewhere := v.VolumeAttributes[v1alpha1.NamespaceAttribute]
		if !elsewhere {
			namespace = pod.Namespace
		}
		all = append(all, namespace+"/"+v.VolumeAttributes[v1alpha1.ModelAttribute])
	}
	slices.Sort(all)
	const most = 1024
	text := strings.Join(all, ",")
	return text[:min(len(text), most)]
}

// group is what starts have in common.
type group struct {
	accelerator string
	weights     v1alpha1.NodeState
}

func groupOf(c *v1alpha1.ColdStart) group {
	if c.Weights == "" {
		return group{c.Accelerator, v1alpha1.UnknownState}
	}
	return group{c.Accelerator, c.Weights}
}

// remembered are those of starts, in order, that are kept: the last of all, and the last of each of the groups that were met last.
func remembered(starts []v1alpha1.ColdStart) []v1alpha1.ColdStart {
	var kept []v1alpha1.ColdStart
	of := map[group]int{}
	for i := len(starts) - 1; i >= 0; i-- {
		g := groupOf(&starts[i])
		_, met := of[g]
		if listed := met || len(of) < mostGroups; listed {
			of[g]++
		}
		if len(starts)-i <= keptOfAll || of[g] > 0 && of[g] <= keptOfGroup {
			kept = append(kept, starts[i])
		}
	}
	slices.Reverse(kept)
	return kept
}
