// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// AgentUnavailable is the reason of a gate that nobody else opens.
const AgentUnavailable = "AgentUnavailable"

// silence is how long a pod's agent may say nothing before its gate is opened: an agent that is down must hold up no rollout.
const silence = 30 * time.Second

// Gatekeeper opens the readiness gates of pods whose agent is silent.
type Gatekeeper struct {
	Reader client.Reader // of pods, directly
	Client client.Client // of their status
	Events events.EventRecorder
	Now    func() time.Time
}

// Setup watches the metadata of pods that ask for a model.
func (k *Gatekeeper) Setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("gatekeeper").
		For(&corev1.Pod{}, builder.OnlyMetadata, builder.WithPredicates(asks)).
		Complete(k)
}

// Reconcile looks at one pod until its gate is open.
func (k *Gatekeeper) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var pod corev1.Pod
	if err := k.Reader.Get(ctx, request.NamespacedName, &pod); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	wait, since := verdict(&pod, k.Now())
	if wait != 0 || since == 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	now := metav1.NewTime(k.Now())
	message := "the Hoist agent of node " + pod.Spec.NodeName + " says nothing: the server's own probes decide"
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": map[string]any{"conditions": []any{
		map[string]any{"type": v1alpha1.WeightsInVRAMCondition, "status": corev1.ConditionTrue, "reason": AgentUnavailable, "message": message, "lastProbeTime": now, "lastTransitionTime": now}}}})
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := k.Client.Status().Patch(ctx, &pod, client.RawPatch(types.StrategicMergePatchType, patch)); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	k.Events.Eventf(&pod, nil, corev1.EventTypeWarning, AgentUnavailable, "Opening", "%s: %s", v1alpha1.WeightsInVRAMCondition, message)
	return ctrl.Result{}, nil
}

// verdict says when to look at a pod again, 0 for never; or, where the agent has been silent for too long, for how long.
func verdict(pod *corev1.Pod, now time.Time) (again, silent time.Duration) {
	if !gated(pod) || pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return 0, 0
	}
	heard, started := time.Time{}, startOf(pod)
	for _, c := range pod.Status.Conditions {
		if c.Type == v1alpha1.WeightsInVRAMCondition {
			if c.Status == corev1.ConditionTrue {
				return 0, 0
			}
			heard = c.LastProbeTime.Time
		}
	}
	if started.IsZero() { // nothing could be in VRAM
		return silence, 0
	}
	if started.After(heard) {
		heard = started
	}
	if quiet := now.Sub(heard); quiet < silence {
		return max(silence-quiet, time.Second), 0
	}
	return 0, now.Sub(heard)
}

// startOf is when the first of a pod's containers ran, or zero.
func startOf(pod *corev1.Pod) (first time.Time) {
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running != nil && (first.IsZero() || c.State.Running.StartedAt.Time.Before(first)) {
			first = c.State.Running.StartedAt.Time
		}
	}
	return first
}

func gated(pod *corev1.Pod) bool {
	for _, g := range pod.Spec.ReadinessGates {
		if g.ConditionType == v1alpha1.WeightsInVRAMCondition {
			return true
		}
	}
	return false
}
