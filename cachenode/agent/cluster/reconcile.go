// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
)

// Reconciler has the node work towards the spec of its CacheNode.
type Reconciler struct {
	NodeName string
	Node     *agent.Node
	Client   client.Reader // of CacheNodes and Models
	Sources  *origin.Sources
	Reporter *Reporter
	Images   *Images
	Log      *slog.Logger
}

// tryAgain is how soon to look at what a person may have mended, such as a Secret.
const tryAgain = 30 * time.Second

// Setup registers the reconciler. Models matter when their spec or their pinned revision changes.
func (r *Reconciler) Setup(mgr ctrl.Manager) error {
	own := func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: r.NodeName}}}
	}
	repinned := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.Model)
		after, same := e.ObjectNew.(*v1alpha1.Model)
		return !ok || !same || before.Generation != after.Generation || before.Status.Revision != after.Status.Revision ||
			before.Annotations[v1alpha1.EvictBeforeAnnotation] != after.Annotations[v1alpha1.EvictBeforeAnnotation]
	}}
	return ctrl.NewControllerManagedBy(mgr).
		Named("cachenode").
		For(&v1alpha1.CacheNode{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Model{}, handler.EnqueueRequestsFromMapFunc(own), builder.WithPredicates(repinned)).
		Complete(r)
}

// Reconcile takes the spec as it is now.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var node v1alpha1.CacheNode
	if err := r.Client.Get(ctx, request.NamespacedName, &node); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err) // without a spec, the node keeps what it has
	}
	spec := workingTowards{generation: node.Generation, wanted: map[types.NamespacedName]string{}, problems: map[types.NamespacedName]string{}}
	var wants []agent.Want
	for i := range node.Spec.Models {
		wanted := &node.Spec.Models[i]
		key := types.NamespacedName{Namespace: wanted.Namespace, Name: wanted.Name}
		spec.wanted[key] = wanted.Revision
		want, err := r.want(ctx, key, wanted)
		if err != nil {
			spec.problems[key] = err.Error()
			r.Log.Warn("model can't be fetched", "model", key.String(), "err", err)
			continue
		}
		wants = append(wants, want)
	}
	r.Node.Keep(wants)
	r.Images.Want(node.Spec.Images)
	r.Reporter.works(spec)
	if err := r.tidy(ctx, spec.wanted); err != nil {
		return ctrl.Result{}, err
	}
	if len(spec.problems) > 0 || r.failing() {
		return ctrl.Result{RequeueAfter: tryAgain}, nil
	}
	return ctrl.Result{}, nil
}

func (r *Reconciler) want(ctx context.Context, key types.NamespacedName, wanted *v1alpha1.WantedModel) (agent.Want, error) {
	var model v1alpha1.Model
	if err := r.Client.Get(ctx, key, &model); err != nil {
		return agent.Want{}, err
	}
	priority, err := priorityOf(wanted.Priority)
	if err != nil {
		return agent.Want{}, err
	}
	want, err := wantOf(&model, wanted.Revision, priority, wanted.Tier, nil)
	if err != nil {
		return agent.Want{}, err
	}
	source, err := r.Sources.For(ctx, &model)
	if err != nil && r.Node.Proven(want) {
		return want, nil // it is here: neither Secret nor origin is needed
	}
	want.Source = source
	return want, err
}

// tidy evicts what owners of Models asked to have evicted, and lets go of the names of Models that are gone: their bytes stay until
// nobody uses them and room is needed.
func (r *Reconciler) tidy(ctx context.Context, wanted map[types.NamespacedName]string) error {
	for name := range r.Node.Store.Names() {
		key, ok := modelOf(name)
		if !ok {
			continue
		}
		var model v1alpha1.Model
		err := r.Client.Get(ctx, key, &model)
		if apierrors.IsNotFound(err) {
			r.Sources.Forget(key)
			err = r.Node.Forget(name)
		} else if _, kept := wanted[key]; err == nil && !kept {
			err = r.evict(&model, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// failing reports whether a download has failed and waits.
func (r *Reconciler) failing() bool {
	for _, m := range r.Node.Status().Models {
		if m.Error != "" {
			return true
		}
	}
	return false
}
