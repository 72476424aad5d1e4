// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"context"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// How long events are gathered before a pass: news shortly, so that a hundred nodes that join are one pass; numbers that only move
// longer.
const (
	gatherNews    = 100 * time.Millisecond
	gatherNumbers = 2 * time.Second
)

// Setup registers the planner: one request for all that happens.
func (p *Planner) Setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("plan").
		Watches(&v1alpha1.Prefetch{}, gather(func(before, after *v1alpha1.Prefetch) time.Duration {
			return when(before.Generation != after.Generation, gatherNews)
		})).
		Watches(&v1alpha1.Model{}, gather(func(before, after *v1alpha1.Model) time.Duration {
			return when(before.Status.Revision != after.Status.Revision || !after.DeletionTimestamp.IsZero(), gatherNews)
		})).
		Watches(&corev1.Node{}, gather(func(before, after *corev1.Node) time.Duration {
			return when(!maps.Equal(before.Labels, after.Labels) || nodeReady(before) != nodeReady(after) || !after.DeletionTimestamp.IsZero(), gatherNews)
		})).
		Watches(&v1alpha1.CacheNode{}, gather(func(before, after *v1alpha1.CacheNode) time.Duration {
			if news(before, after) {
				return gatherNews
			}
			return when(!equality.Semantic.DeepEqual(before.Status.Models, after.Status.Models), gatherNumbers)
		})).
		Complete(p)
}

// news reports whether a node says more than that numbers have moved.
func news(before, after *v1alpha1.CacheNode) bool {
	return before.Generation != after.Generation || newsOf(&before.Status) != newsOf(&after.Status) ||
		!slices.EqualFunc(before.Status.Models, after.Status.Models, func(a, b v1alpha1.HeldModel) bool {
			return a.Namespace == b.Namespace && a.Name == b.Name && a.Revision == b.Revision && a.Phase == b.Phase && a.Mounts == b.Mounts
		})
}

// headlines are what of a node's status is news, beside its models.
type headlines struct {
	copies          v1alpha1.Copies
	budget          int64
	ready, reported bool
}

func newsOf(s *v1alpha1.CacheNodeStatus) headlines {
	return headlines{s.Copies, s.Disk.BudgetBytes, isTrue(s.Conditions, v1alpha1.ReadyCondition), s.ReportedAt != nil}
}

func when(happened bool, wait time.Duration) time.Duration {
	if happened {
		return wait
	}
	return 0
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// gather has a pass made a while after something happened to a T. changed says how long a while, for an update; 0 is never.
func gather[T client.Object](changed func(before, after T) time.Duration) handler.EventHandler {
	pass := reconcile.Request{}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, _ event.CreateEvent, q queue) { q.AddAfter(pass, gatherNews) },
		DeleteFunc: func(_ context.Context, _ event.DeleteEvent, q queue) { q.AddAfter(pass, gatherNews) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			before, ok := e.ObjectOld.(T)
			after, same := e.ObjectNew.(T)
			if !ok || !same {
				return
			}
			if wait := changed(before, after); wait > 0 {
				q.AddAfter(pass, wait)
			}
		},
	}
}
