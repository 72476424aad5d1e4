// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"
)

// UnderQuota is how many more pods like this one the quotas of its namespace admit, and which of them stops the next; without a quota
// that counts such pods there are more than anybody has.
func UnderQuota(pod *corev1.Pod, quotas []corev1.ResourceQuota) (int64, Why) {
	return quotaRoom(defaulted(pod), quotas)
}

// quotaRoom is how many more pods the quotas admit, and which of them stops the next.
//
// A pod above a quota is not Pending: it is never made, and its ReplicaSet has the event FailedCreate
// (https://kubernetes.io/docs/concepts/policy/resource-quotas/).
func quotaRoom(pod *corev1.Pod, quotas []corev1.ResourceQuota) (int64, Why) {
	most, why := unstoppable, Why{Stop: Quota}
	requests, limits := helper.PodRequests(pod, helper.PodResourcesOptions{}), helper.PodLimits(pod, helper.PodResourcesOptions{})
	for i := range quotas {
		q := &quotas[i]
		if !covers(q, pod) {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(q.Spec.Hard)) {
			asked, counts := counted(name, requests, limits)
			if !counts {
				continue
			}
			left := q.Spec.Hard[name].DeepCopy()
			left.Sub(q.Status.Used[name])
			if n := times(left, asked); n < most {
				most, why.Resource, why.Detail = n, name, q.Name
			}
		}
	}
	return most, why
}

// counted is how much of what a quota limits a pod takes.
func counted(name corev1.ResourceName, requests, limits corev1.ResourceList) (resource.Quantity, bool) {
	text := string(name)
	switch {
	case name == corev1.ResourcePods || text == "count/pods":
		return resource.MustParse("1"), true
	case strings.HasPrefix(text, "requests."):
		q, ok := requests[corev1.ResourceName(strings.TrimPrefix(text, "requests."))]
		return q, ok
	case strings.HasPrefix(text, "limits."):
		q, ok := limits[corev1.ResourceName(strings.TrimPrefix(text, "limits."))]
		return q, ok
	}
	q, ok := requests[name] // cpu and memory are those that are asked for
	return q, ok
}

// covers reports whether a quota counts pods like this one; one with a scope that is not known here is taken to count them not.
func covers(q *corev1.ResourceQuota, pod *corev1.Pod) bool {
	for _, scope := range q.Spec.Scopes {
		if !inScope(corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists}, pod) {
			return false
		}
	}
	if q.Spec.ScopeSelector != nil {
		for _, r := range q.Spec.ScopeSelector.MatchExpressions {
			if !inScope(r, pod) {
				return false
			}
		}
	}
	return true
}

func inScope(r corev1.ScopedResourceSelectorRequirement, pod *corev1.Pod) bool {
	switch r.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return pod.Spec.ActiveDeadlineSeconds != nil
	case corev1.ResourceQuotaScopeNotTerminating:
		return pod.Spec.ActiveDeadlineSeconds == nil
	case corev1.ResourceQuotaScopeNotBestEffort:
		return len(helper.PodRequests(pod, helper.PodResourcesOptions{})) > 0
	case corev1.ResourceQuotaScopePriorityClass:
		class := pod.Spec.PriorityClassName
		switch r.Operator {
		case corev1.ScopeSelectorOpExists:
			return class != ""
		case corev1.ScopeSelectorOpDoesNotExist:
			return class == ""
		case corev1.ScopeSelectorOpIn:
			return slices.Contains(r.Values, class)
		case corev1.ScopeSelectorOpNotIn:
			return !slices.Contains(r.Values, class)
		}
	}
	return false
}
