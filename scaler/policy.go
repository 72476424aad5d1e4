// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/kueue"
)

// PolicyReconciler keeps the ScaledObjects of ScalePolicies.
type PolicyReconciler struct {
	Client     client.Client
	Reader     client.Reader // of pods, quotas and ScaledObjects, directly: to watch them all would take memory
	Prometheus Ours          // where policies name none
	Busy       *Busy
	// Follow is told of each workload when it changed, and may change the status of its policy; nil is nobody.
	Follow func(context.Context, *v1alpha1.ScalePolicy, Facts) error
}

// How soon a policy is looked at when nothing happened: what KEDA says of it may have changed, or somebody its ScaledObject.
const (
	again = 30 * time.Second
	soon  = 5 * time.Second // while it is not Ready
)

// Setup registers the reconciler.
func (r *PolicyReconciler) Setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("scalepolicy").
		For(&v1alpha1.ScalePolicy{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&appsv1.Deployment{}, handler.EnqueueRequestsFromMapFunc(r.scaling("Deployment"))).
		Watches(&appsv1.StatefulSet{}, handler.EnqueueRequestsFromMapFunc(r.scaling("StatefulSet"))).
		Complete(r)
}

// scaling gives the policies of a workload.
func (r *PolicyReconciler) scaling(kind string) handler.MapFunc {
	return func(ctx context.Context, o client.Object) (all []reconcile.Request) {
		var policies v1alpha1.ScalePolicyList
		if err := r.Client.List(ctx, &policies, client.InNamespace(o.GetNamespace())); err != nil {
			return nil
		}
		for i := range policies.Items {
			if t := policies.Items[i].Spec.Target; t.Kind == kind && t.Name == o.GetName() {
				all = append(all, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&policies.Items[i])})
			}
		}
		return all
	}
}

// Reconcile makes the ScaledObject as the policy says, and the status as things are.
func (r *PolicyReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var p v1alpha1.ScalePolicy
	if err := r.Client.Get(ctx, request.NamespacedName, &p); err != nil || p.DeletionTimestamp != nil {
		if apierrors.IsNotFound(err) {
			r.Busy.forget(request.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	facts, err := r.facts(ctx, &p)
	if err != nil {
		return ctrl.Result{}, err
	}
	before := p.DeepCopy()
	if err := r.observe(ctx, &p, facts); err != nil {
		return ctrl.Result{}, err
	}
	settled, err := Settle(&p, facts)
	var said scaledStatus
	if err == nil {
		said, err = r.apply(ctx, settled)
	}
	if unready := (*Unready)(nil); err != nil && !errors.As(err, &unready) {
		return ctrl.Result{}, err
	}
	p.Status = status(&p, facts.Workload, settled, said, err)
	if !equality.Semantic.DeepEqual(&before.Status, &p.Status) {
		if err := r.Client.Status().Patch(ctx, &p, client.MergeFrom(before)); err != nil {
			return ctrl.Result{}, client.IgnoreNotFound(err)
		}
	}
	if !meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ReadyCondition) {
		return ctrl.Result{RequeueAfter: soon}, nil
	}
	return ctrl.Result{RequeueAfter: again}, nil
}

// facts reads what Settle goes by.
func (r *PolicyReconciler) facts(ctx context.Context, p *v1alpha1.ScalePolicy) (Facts, error) {
	f := Facts{Prometheus: r.Prometheus.Address, KEDA: r.Prometheus.KEDA}
	var err error
	if f.Workload, err = r.workload(ctx, p); err != nil || f.Workload == nil {
		return f, err
	}
	var quotas corev1.ResourceQuotaList
	if err := r.Reader.List(ctx, &quotas, client.InNamespace(p.Namespace)); err != nil {
		return f, err
	}
	if f.Workload.Terminating, err = r.terminating(ctx, p, f.Workload, quotas.Items); err != nil {
		return f, err
	}
	var nodes corev1.NodeList
	if err := r.Client.List(ctx, &nodes); err != nil {
		return f, err
	}
	if f.Kueue, err = kueue.Read(ctx, r.Reader, f.Workload.pod(p.Namespace)); err != nil {
		return f, err
	}
	f.Quotas, f.Nodes = quotas.Items, nodes.Items
	f.Concurrency = r.Busy.concurrency(ctx, p, &f)
	return f, nil
}

// workload is nil where there is none.
func (r *PolicyReconciler) workload(ctx context.Context, p *v1alpha1.ScalePolicy) (*Workload, error) {
	key := types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.Target.Name}
	if p.Spec.Target.Kind == "StatefulSet" {
		var s appsv1.StatefulSet
		if err := r.Client.Get(ctx, key, &s); err != nil {
			return nil, client.IgnoreNotFound(err)
		}
		return &Workload{s.Spec.Template, s.Spec.Selector, or(s.Spec.Replicas, 1), s.Status.Replicas, s.Status.ReadyReplicas, nil}, nil
	}
	var d appsv1.Deployment
	if err := r.Client.Get(ctx, key, &d); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return &Workload{d.Spec.Template, d.Spec.Selector, or(d.Spec.Replicas, 1), d.Status.Replicas, d.Status.ReadyReplicas, d.Status.TerminatingReplicas}, nil
}

// terminating are the pods of a workload that are no replicas any more. Where its status does not have them, they are looked for when the maximum
// hangs on them.
func (r *PolicyReconciler) terminating(ctx context.Context, p *v1alpha1.ScalePolicy, w *Workload, quotas []corev1.ResourceQuota) (*int32, error) {
	if admitted, _ := w.admitted(p.Namespace, quotas); w.Terminating != nil || admitted >= int64(p.Spec.MaxReplicas) {
		return w.Terminating, nil
	}
	pods, err := r.pods(ctx, p.Namespace, w)
	if err != nil {
		return nil, err
	}
	there := int32(0)
	for i := range pods {
		if phase := pods[i].Status.Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			there++
		}
	}
	going := max(there-w.Replicas, 0)
	return &going, nil
}

// observe takes note of what became of the workload.
func (r *PolicyReconciler) observe(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts) error {
	if r.Follow != nil {
		if err := r.Follow(ctx, p, facts); err != nil { // the next look tries again, and replicas are scaled all the same
			log.FromContext(ctx).Error(err, "a change of the workload is not followed")
		}
	}
	if facts.Workload == nil {
		return nil
	}
	return r.starts(ctx, p, facts)
}
