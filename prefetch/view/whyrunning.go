// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// mounted reports whether the pod's volumes are: the kubelet starts nothing before.
func mounted(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReadyToStartContainers && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if c.State.Running != nil || c.State.Terminated != nil || c.RestartCount > 0 {
			return true
		}
	}
	return false
}

// running is what a pod does whose models are mounted.
func (s Scene) running(claims []Claim) string {
	var names []string
	for _, c := range claims {
		names = append(names, c.Model.Name)
	}
	which := count(len(names), "model", "models") + " mounted: " + strings.Join(names, ", ")
	if len(names) == 1 {
		which = "model " + names[0] + " mounted"
	}
	pod := s.Pod
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if w := c.State.Waiting; w != nil {
			return fmt.Sprintf("%s has its %s; it waits for container %s: %s", s.pod(), which, c.Name, clean(strings.TrimSpace(w.Reason+" "+w.Message)))
		}
	}
	if pod.Status.Phase != corev1.PodRunning {
		return fmt.Sprintf("%s has its %s; its containers start", s.pod(), which)
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status != corev1.ConditionTrue {
			return fmt.Sprintf("%s runs, %s; it is not Ready yet: %s", s.pod(), which, clean(strings.TrimSpace(c.Reason+" "+c.Message)))
		}
	}
	return fmt.Sprintf("%s runs; %s", s.pod(), which)
}
