// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func TestGPUs(t *testing.T) {
	t.Parallel()
	a, b := cacheNode("gpu-1"), cacheNode("gpu-2")
	b.Status.GPUs = []v1alpha1.GPU{{UUID: "GPU-b", Index: 1, Name: "NVIDIA H200", TotalBytes: 141 * gib},
		{UUID: "GPU-a", Name: "NVIDIA H200", TotalBytes: 141 * gib, UsedBytes: 120 * gib, Pods: []v1alpha1.GPUPod{{Namespace: "team-a", Name: "web-0", UsedBytes: 119 * gib}}}}
	golden(t, view.GPUs([]v1alpha1.CacheNode{b, a}), `
NODE    GPU   NAME          MEMORY    USED      FREE      PODS WITH A MODEL
gpu-2   0     NVIDIA H200   141.0Gi   120.0Gi   21.0Gi    team-a/web-0 119.0Gi
gpu-2   1     NVIDIA H200   141.0Gi   0         141.0Gi   -
`)
}

// A pod whose server answers, and whose weights are not in VRAM, waits for those.
func TestWhy_ThePodWaitsForItsWeights(t *testing.T) {
	t.Parallel()
	s := waiting(func(*view.Scene) {})
	s.Pod.Status.Phase, s.Pod.Status.ContainerStatuses = corev1.PodRunning, nil
	s.Pod.Status.Conditions = []corev1.PodCondition{
		{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue},
		{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ReadinessGatesNotReady"},
		{Type: v1alpha1.WeightsInVRAMCondition, Status: corev1.ConditionFalse, Reason: "WeightsLoading", Message: "3.1 of 35.3 GiB on 0 of 4 GPUs"},
	}
	const want = "pod team-a/web-0 runs, model llama3-8b mounted; its weights are not in VRAM yet: 3.1 of 35.3 GiB on 0 of 4 GPUs"
	if got := view.Why(s); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
