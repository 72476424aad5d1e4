// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package headroom

import (
	corev1 "k8s.io/api/core/v1"
	helper "k8s.io/component-helpers/resource"
)

// resources are what a pod takes of a node, as the scheduler counts it, for the one container of a placeholder. What can't be promised to more pods
// than it is enough for, such as GPUs, has to be a limit, too.
func resources(spec *corev1.PodSpec) (r corev1.ResourceRequirements) {
	pod := &corev1.Pod{Spec: *spec.DeepCopy()}
	askForLimits(&pod.Spec)
	// A RuntimeClass adds its overhead to the placeholder, too.
	all := helper.PodRequests(pod, helper.PodResourcesOptions{ExcludeOverhead: spec.RuntimeClassName != nil})
	for name, asked := range all {
		if asked.Sign() <= 0 {
			continue
		}
		if r.Requests == nil {
			r.Requests = corev1.ResourceList{}
		}
		r.Requests[name] = asked
		if name == corev1.ResourceCPU || name == corev1.ResourceMemory || name == corev1.ResourceEphemeralStorage {
			continue
		}
		if r.Limits == nil {
			r.Limits = corev1.ResourceList{}
		}
		r.Limits[name] = asked
	}
	return r
}

// askForLimits has containers ask for what they limit, as the API server does with pods.
func askForLimits(spec *corev1.PodSpec) {
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
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
	all := spec.Resources
	if all == nil {
		return
	}
	containers := helper.AggregateContainerRequests(&corev1.Pod{Spec: *spec}, helper.PodResourcesOptions{})
	for name, limit := range all.Limits { // of the pod: where its containers ask for none of it
		_, asked := all.Requests[name]
		if _, below := containers[name]; !asked && !below && helper.IsSupportedPodLevelResource(name) {
			if all.Requests == nil {
				all.Requests = corev1.ResourceList{}
			}
			all.Requests[name] = limit
		}
	}
}
