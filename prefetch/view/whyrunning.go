// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
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
	if why := unready(pod); why != "" {
		return fmt.Sprintf("%s runs, %s; %s", s.pod(), which, why)
	}
	return fmt.Sprintf("%s runs; %s", s.pod(), which)
}

// unready is why a pod that runs is not Ready, or "".
func unready(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == v1alpha1.WeightsInVRAMCondition && c.Status != corev1.ConditionTrue && answers(pod) {
			return "its weights are not in VRAM yet: " + clean(c.Message)
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status != corev1.ConditionTrue {
			return "it is not Ready yet: " + clean(strings.TrimSpace(c.Reason+" "+c.Message))
		}
	}
	return ""
}

// answers reports whether all that is missing is a readiness gate.
func answers(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status != corev1.ConditionTrue && c.Reason == "ReadinessGatesNotReady"
		}
	}
	return false
}
