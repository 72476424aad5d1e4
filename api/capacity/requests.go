// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// usage are the pods that hold resources, by node.
func usage(pods []corev1.Pod) map[string][]*corev1.Pod {
	by := map[string][]*corev1.Pod{}
	for i := range pods {
		if p := &pods[i]; p.Spec.NodeName != "" && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			by[p.Spec.NodeName] = append(by[p.Spec.NodeName], p)
		}
	}
	return by
}

// Firm are the pods that do not make way for any other: all but placeholders, of which there are no more while others need their room.
func Firm(pods []corev1.Pod) []corev1.Pod {
	firm := make([]corev1.Pod, 0, len(pods))
	for i := range pods {
		_, labeled := pods[i].Labels[v1alpha1.PlaceholderLabel]
		if priority := pods[i].Spec.Priority; !labeled || priority == nil || *priority >= 0 {
			firm = append(firm, pods[i])
		}
	}
	return firm
}

// defaulted asks for what it limits, as the API server has pods do.
func defaulted(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			r := &list[i].Resources
			for name, limit := range r.Limits {
				if _, asked := r.Requests[name]; !asked {
					if r.Requests == nil {
						r.Requests = corev1.ResourceList{}
					}
					r.Requests[name] = limit
				}
			}
		}
	}
	return pod
}

// leftover is what a node has, less what its pods ask for.
func leftover(node *corev1.Node, pods []*corev1.Pod) corev1.ResourceList {
	left := node.Status.Allocatable.DeepCopy()
	for _, p := range pods {
		for name, asked := range helper.PodRequests(p, helper.PodResourcesOptions{UseStatusResources: true}) {
			if have, ok := left[name]; ok {
				have.Sub(asked)
				left[name] = have
			}
		}
	}
	if slots, limited := left[corev1.ResourcePods]; limited {
		slots.Sub(*resource.NewQuantity(int64(len(pods)), resource.DecimalSI))
		left[corev1.ResourcePods] = slots
	}
	return left
}

// room is how often requests fit into what is left, and what they lack for one more.
func room(requests, left corev1.ResourceList) (int64, Why) {
	requests = maps.Clone(requests)
	if _, limited := left[corev1.ResourcePods]; limited {
		requests[corev1.ResourcePods] = resource.MustParse("1")
	}
	most, why := unstoppable, Why{Stop: Requests}
	names := slices.SortedFunc(maps.Keys(requests), func(a, b corev1.ResourceName) int { // a GPU that lacks says more than CPU that does, too
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	for _, name := range names {
		have, has := left[name]
		asked := requests[name]
		if !has && asked.Sign() > 0 {
			return 0, Why{Stop: Lacks, Resource: name}
		}
		if n := times(have, asked); n < most {
			most, why.Resource = n, name
		}
	}
	return most, why
}

func rank(name corev1.ResourceName) int {
	if inference.IsGPU(name) {
		return 0
	}
	return 1
}

// times is how often one quantity holds another.
func times(have, asked resource.Quantity) int64 {
	switch {
	case asked.Sign() <= 0:
		return unstoppable
	case have.Sign() <= 0:
		return 0
	}
	if a, b := have.MilliValue(), asked.MilliValue(); b > 0 && have.CmpInt64(1<<50) < 0 {
		return min(a/b, unstoppable)
	}
	return min(have.Value()/max(asked.Value(), 1), unstoppable)
}

// stranded are the GPUs that are left when so many more pods are there, fewer than one of them needs.
func stranded(pod *corev1.Pod, left corev1.ResourceList, more int64) (sum int64) {
	for name, asked := range helper.PodRequests(pod, helper.PodResourcesOptions{}) {
		if have, ok := left[name]; ok && inference.IsGPU(name) && asked.Sign() > 0 {
			sum += max(have.Value()-more*asked.Value(), 0)
		}
	}
	return sum
}
