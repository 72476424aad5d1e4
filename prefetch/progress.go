// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// heldModels are what working nodes report, by model and node.
func (w world) heldModels(now time.Time) map[plan.Key]map[string]*v1alpha1.HeldModel {
	held := map[plan.Key]map[string]*v1alpha1.HeldModel{}
	for i := range w.caches {
		cache := &w.caches[i]
		if !w.working(cache, now) {
			continue
		}
		for j := range cache.Status.Models {
			m := &cache.Status.Models[j]
			key := plan.Key{Namespace: m.Namespace, Name: m.Name}
			if held[key] == nil {
				held[key] = map[string]*v1alpha1.HeldModel{}
			}
			held[key][cache.Name] = m
		}
	}
	return held
}

// writePrefetches writes how far each Prefetch is, where its status says something else.
func (p *Planner) writePrefetches(ctx context.Context, w world, made plan.Plan, now time.Time) error {
	held := w.heldModels(now)
	models := map[plan.Key]*v1alpha1.Model{}
	for i := range w.models {
		models[keyOf(&w.models[i])] = &w.models[i]
	}
	decisions := map[plan.Key]plan.Decision{}
	for _, d := range made.Decisions {
		decisions[d.Prefetch] = d
	}
	var failed []error
	for i := range w.prefetches {
		prefetch := &w.prefetches[i]
		if !prefetch.DeletionTimestamp.IsZero() {
			continue
		}
		decision := decisions[keyOf(prefetch)]
		if _, _, _, err := readSpec(prefetch, now); err != nil {
			decision = plan.Decision{Verdict: invalidVerdict(err), Message: err.Error()}
		}
		model := plan.Key{Namespace: prefetch.Namespace, Name: prefetch.Spec.ModelName}
		status := prefetchStatus(prefetch, decision, models[model], held[model])
		awaitImages(&status, prefetch, w.imageFailures(prefetch, decision.Nodes))
		if equality.Semantic.DeepEqual(status, prefetch.Status) {
			continue
		}
		after := prefetch.DeepCopy()
		after.Status = status
		if err := client.IgnoreNotFound(p.Client.Status().Patch(ctx, after, client.MergeFrom(prefetch))); err != nil {
			failed = append(failed, fmt.Errorf("status of Prefetch %s: %w", keyOf(prefetch), err))
		}
	}
	return errors.Join(failed...)
}

func invalidVerdict(err error) plan.Verdict {
	if e, ok := errors.AsType[*specError](err); ok {
		return plan.Verdict(e.reason)
	}
	return ""
}

// prefetchStatus is how far the chosen nodes are. held is what they report, by name.
func prefetchStatus(p *v1alpha1.Prefetch, d plan.Decision, model *v1alpha1.Model, held map[string]*v1alpha1.HeldModel) v1alpha1.PrefetchStatus {
	s := v1alpha1.PrefetchStatus{Conditions: p.DeepCopy().Status.Conditions, ObservedGeneration: p.Generation, LastUsed: remember(p, held)}
	s.Copies.Total = int32(len(d.Nodes))
	var failure string
	if model != nil {
		failure = tally(&s, d.Nodes, model, held)
	}
	s.Copies.ReadyOfTotal = fmt.Sprintf("%d/%d", s.Copies.Ready, s.Copies.Total)
	s.Progress = percent(s.BytesDone, s.BytesTotal)
	capacity := metav1.Condition{Type: v1alpha1.CapacityAvailableCondition, Status: metav1.ConditionTrue, ObservedGeneration: p.Generation,
		Reason: string(d.Verdict), Message: d.Message}
	if d.Verdict == plan.TooBig || d.Verdict == plan.NotEnoughNodes || d.Verdict == plan.NoNodes {
		capacity.Status = metav1.ConditionFalse
	}
	if capacity.Reason == "" {
		capacity.Reason = v1alpha1.NotResolvedReason
	}
	meta.SetStatusCondition(&s.Conditions, capacity)
	meta.SetStatusCondition(&s.Conditions, readyCondition(p, d, s, failure))
	return s
}

// tally sums up what the chosen nodes report, and returns a failure of one of them, or "".
func tally(s *v1alpha1.PrefetchStatus, nodes []string, model *v1alpha1.Model, held map[string]*v1alpha1.HeldModel) (failure string) {
	slowest := int64(-1)
	for _, node := range nodes {
		s.BytesTotal += model.Status.Bytes
		m := held[node]
		if m == nil || m.Revision != model.Status.Revision {
			continue
		}
		s.BytesDone += min(m.BytesDone, model.Status.Bytes)
		switch m.Phase {
		case v1alpha1.ReadyPhase:
			s.Copies.Ready++
		case v1alpha1.FailedPhase:
			s.Copies.Failed++
			failure = node + ": " + m.Message
		case v1alpha1.FetchingPhase:
			s.BytesPerSecond += max(m.BytesPerSecond, 0)
			if m.RemainingSeconds > slowest {
				slowest, s.SlowestNode = m.RemainingSeconds, node
			}
		case v1alpha1.PendingPhase:
		}
	}
	if s.Copies.Ready < s.Copies.Total {
		s.RemainingSeconds = slowest
	}
	return failure
}

func readyCondition(p *v1alpha1.Prefetch, d plan.Decision, s v1alpha1.PrefetchStatus, failure string) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionFalse, ObservedGeneration: p.Generation,
		Reason: string(d.Verdict), Message: d.Message}
	switch {
	case d.Verdict != plan.Enough:
	case s.Copies.Ready == s.Copies.Total:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1alpha1.CompleteReason, fmt.Sprintf("%s nodes have it", s.Copies.ReadyOfTotal)
	case failure != "":
		c.Reason, c.Message = v1alpha1.FailedReason, failure
	default:
		c.Reason, c.Message = v1alpha1.FetchingReason, fmt.Sprintf("%s nodes have it", s.Copies.ReadyOfTotal)
	}
	if c.Reason == "" {
		c.Reason = v1alpha1.NotResolvedReason
	}
	return c
}

func percent(done, total int64) string {
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("%d%%", int64(float64(done)/float64(total)*100))
}
