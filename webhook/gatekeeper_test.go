// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// An agent that says nothing holds up a pod for 30 seconds from when its server runs, and no longer.
func TestVerdict_OpensWhatAnAgentLeavesShut(t *testing.T) {
	t.Parallel()
	now := time.Unix(1.8e9, 0)
	pod := func(started, heard time.Duration, status corev1.ConditionStatus) *corev1.Pod {
		p := &corev1.Pod{Spec: corev1.PodSpec{ReadinessGates: []corev1.PodReadinessGate{{ConditionType: v1alpha1.WeightsInVRAMCondition}}}}
		if started > 0 {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{}, {State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now.Add(-started))}}}}
		}
		if status != "" {
			p.Status.Conditions = []corev1.PodCondition{{Type: v1alpha1.WeightsInVRAMCondition, Status: status, LastProbeTime: metav1.NewTime(now.Add(-heard))}}
		}
		return p
	}
	bare := pod(time.Hour, 0, "")
	bare.Spec.ReadinessGates = nil
	going := pod(time.Hour, 0, "")
	going.DeletionTimestamp = &metav1.Time{Time: now}
	for name, row := range map[string]struct {
		pod    *corev1.Pod
		again  time.Duration
		silent bool
	}{
		"has no gate":                         {bare, 0, false},
		"is being deleted":                    {going, 0, false},
		"is open":                             {pod(time.Hour, time.Hour, corev1.ConditionTrue), 0, false},
		"does not run yet":                    {pod(0, 0, ""), 30 * time.Second, false},
		"runs for ten seconds, nothing heard": {pod(10*time.Second, 0, ""), 20 * time.Second, false},
		"loads, and the agent says so":        {pod(time.Hour, 5*time.Second, corev1.ConditionFalse), 25 * time.Second, false},
		"runs for thirty, nothing heard":      {pod(30*time.Second, 0, ""), 0, true},
		"was heard of last a minute ago":      {pod(time.Hour, time.Minute, corev1.ConditionFalse), 0, true},
		"was heard of before it started":      {pod(10*time.Second, time.Minute, corev1.ConditionFalse), 20 * time.Second, false},
	} {
		if again, silent := verdict(row.pod, now); again != row.again || (silent > 0) != row.silent {
			t.Errorf("a pod that %s: again in %v, silent for %v", name, again, silent)
		}
	}
}
