// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
)

// Resolver asks the source of a Model what there is.
type Resolver interface {
	Resolve(ctx context.Context, m *v1alpha1.Model) (cachenode.Manifest, error)
}

// ModelReconciler resolves Models and pins their revisions.
type ModelReconciler struct {
	Client   client.Client
	Resolver Resolver
	// AgentAccount is the service account of the agents, to which the Secret of each Model is opened.
	AgentAccount client.ObjectKey
	// Now is time.Now but for tests.
	Now func() time.Time
}

const (
	resolvers = 4                // Models resolved at a time
	tryAgain  = 30 * time.Second // after a failure, at the latest
	interval  = 10 * time.Minute // between looks at a source, if its Model does not say
)

// Setup registers the reconciler.
func (r *ModelReconciler) Setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("model").
		For(&v1alpha1.Model{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: resolvers}).
		Complete(r)
}

// Reconcile looks at the source if it is time to.
func (r *ModelReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var model v1alpha1.Model
	if err := r.Client.Get(ctx, request.NamespacedName, &model); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !model.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	err := r.openSecret(ctx, &model)
	if err != nil && !errors.Is(err, errNotOurs) {
		return ctrl.Result{}, err
	}
	now := r.Now()
	var manifest cachenode.Manifest
	if err == nil {
		if wait := nextLook(&model, now); wait > 0 {
			return ctrl.Result{RequeueAfter: wait}, nil
		}
		manifest, err = r.Resolver.Resolve(ctx, &model)
	}
	before := model.Status.DeepCopy()
	model.Status = resolved(&model, manifest, err, now)
	if err != nil {
		log.FromContext(ctx).Info("source not resolved", "err", err.Error())
	}
	if !equality.Semantic.DeepEqual(before, &model.Status) {
		base := model.DeepCopy()
		base.Status = *before
		if err := r.Client.Status().Patch(ctx, &model, client.MergeFrom(base)); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
	}
	again := every(&model)
	if err != nil {
		again = min(again, tryAgain) // its status says why
	}
	return ctrl.Result{RequeueAfter: spread(again)}, nil
}

// nextLook is how long the last look is good for: not at all after the spec changed, or while the source could not be read.
func nextLook(m *v1alpha1.Model, now time.Time) time.Duration {
	s := &m.Status
	if s.CheckedAt == nil || s.ObservedGeneration != m.Generation || s.Revision == "" || !isTrue(s.Conditions, v1alpha1.ResolvedCondition) {
		return 0
	}
	return s.CheckedAt.Add(every(m)).Sub(now)
}

func every(m *v1alpha1.Model) time.Duration {
	if i := m.Spec.Updates.Interval; i != nil {
		return i.Duration
	}
	return interval
}

// spread keeps many Models from being looked at in step: up to a tenth earlier.
func spread(d time.Duration) time.Duration { return d - rand.N(d/10+1) }

func isTrue(conditions []metav1.Condition, kind string) bool {
	for _, c := range conditions {
		if c.Type == kind {
			return c.Status == metav1.ConditionTrue
		}
	}
	return false
}
