// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// told are the conditions that are there only when they are True.
var told = []string{v1alpha1.CannotWakeCondition, v1alpha1.QuotaTooSmallCondition, v1alpha1.FleetTooSmallCondition, v1alpha1.GPUMetricRefusedCondition, v1alpha1.DemandUnknownCondition}

// status is that of a policy, of what was settled and what KEDA says. failed is nil or an *Unready.
func status(p *v1alpha1.ScalePolicy, w *Workload, s Settled, said scaledStatus, failed error) v1alpha1.ScalePolicyStatus {
	next := *p.Status.DeepCopy()
	next.ObservedGeneration = p.Generation
	next.Server, next.InFlightPerReplica, next.InFlightFrom = string(s.Server), s.InFlight, s.InFlightFrom
	next.MinReplicas, next.MaxReplicas = s.Min, s.Max
	next.Replicas, next.ReadyReplicas = 0, 0
	if w != nil {
		next.Replicas, next.ReadyReplicas = w.Replicas, w.Ready
	}
	problems := s.Problems
	if c := meta.FindStatusCondition(said.Conditions, "Fallback"); c != nil && c.Status == metav1.ConditionTrue {
		problems = append(problems, Problem{v1alpha1.DemandUnknownCondition, v1alpha1.FallbackReason, "KEDA can't read the demand, and keeps the fallback: hoist doctor says which metric is missing"})
	}
	meta.SetStatusCondition(&next.Conditions, ready(p, s, said, failed))
	for _, kind := range told {
		meta.RemoveStatusCondition(&next.Conditions, kind)
	}
	for _, problem := range problems {
		c := metav1.Condition{Type: problem.Type, Status: metav1.ConditionTrue, Reason: problem.Reason, Message: problem.Message, ObservedGeneration: p.Generation}
		if was := meta.FindStatusCondition(p.Status.Conditions, problem.Type); was != nil {
			c.LastTransitionTime = was.LastTransitionTime
		}
		meta.SetStatusCondition(&next.Conditions, c)
	}
	return next
}

// ready is whether the target is scaled as the policy says.
func ready(p *v1alpha1.ScalePolicy, s Settled, said scaledStatus, failed error) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionFalse, ObservedGeneration: p.Generation}
	var unready *Unready
	keda := meta.FindStatusCondition(said.Conditions, "Ready")
	switch {
	case errors.As(failed, &unready):
		c.Reason, c.Message = unready.Reason, unready.Message
	case p.Spec.Suspend:
		c.Reason, c.Message = v1alpha1.SuspendedReason, "replicas stay as they are, by spec.suspend"
	case keda == nil:
		c.Reason, c.Message = v1alpha1.KEDANotReadyReason, "KEDA has not looked at the ScaledObject yet"
	case keda.Status != metav1.ConditionTrue:
		c.Reason, c.Message = v1alpha1.KEDANotReadyReason, "KEDA: "+keda.Message
	default:
		c.Status, c.Reason = metav1.ConditionTrue, v1alpha1.ScalingReason
		c.Message = fmt.Sprintf("%d to %d replicas, one for every %d requests in flight", s.Min, s.Max, s.InFlight)
	}
	return c
}
