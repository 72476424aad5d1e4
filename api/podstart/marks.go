// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package podstart

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Marks are when a pod came how far, in whole seconds; zero where it has not, or nobody says.
type Marks struct {
	Wanted      time.Time
	Scheduled   time.Time
	Mounted     time.Time // with all of its volumes
	Initialized time.Time
	Started     time.Time // its last container; zero while one does not run
	Loaded      time.Time // its weights into VRAM, by the agent
	Ready       time.Time
}

// MarksOf are a pod's. After a restart they are of the last start, as far as that has any of its own.
func MarksOf(pod *corev1.Pod) Marks {
	return Marks{Wanted: pod.CreationTimestamp.Time, Scheduled: turned(pod, corev1.PodScheduled), Mounted: turned(pod, corev1.PodReadyToStartContainers),
		Initialized: turned(pod, corev1.PodInitialized), Started: started(pod), Loaded: turned(pod, v1alpha1.WeightsInVRAMCondition), Ready: turned(pod, corev1.PodReady)}
}

// Restarts of a pod's containers.
func Restarts(pod *corev1.Pod) (times int32) {
	for i := range pod.Status.ContainerStatuses {
		times += pod.Status.ContainerStatuses[i].RestartCount
	}
	return times
}

// turned is when a condition turned True; zero if it is not.
func turned(pod *corev1.Pod, kind corev1.PodConditionType) time.Time {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == kind && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

func started(pod *corev1.Pod) (last time.Time) {
	if len(pod.Status.ContainerStatuses) < len(pod.Spec.Containers) {
		return time.Time{}
	}
	for i := range pod.Status.ContainerStatuses {
		running := pod.Status.ContainerStatuses[i].State.Running
		if running == nil {
			return time.Time{}
		}
		if running.StartedAt.After(last) {
			last = running.StartedAt.Time
		}
	}
	return last
}
