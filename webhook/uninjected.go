// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/webhook/inject"
)

// Uninjected tells pods that ask for a model and were let in without it: the webhook was down, or could not do it.
type Uninjected struct {
	Reader client.Reader // of pods, directly
	Cache  client.Reader // of Models and nodes
	Events events.EventRecorder
}

// stale is the age of a pod that was told before, by this process or the one before it.
const stale = 10 * time.Minute

// asks picks new pods that ask for a model.
var asks = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return inject.Asks(e.Object.GetAnnotations()) },
	UpdateFunc: func(event.UpdateEvent) bool { return false },
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// Setup watches the metadata of new pods.
func (u *Uninjected) Setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("uninjected").
		For(&corev1.Pod{}, builder.OnlyMetadata, builder.WithPredicates(asks)).
		Complete(u)
}

// Reconcile looks at one pod, once.
func (u *Uninjected) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var pod corev1.Pod
	if err := u.Reader.Get(ctx, request.NamespacedName, &pod); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if mountsModel(&pod) || pod.DeletionTimestamp != nil || time.Since(pod.CreationTimestamp.Time) > stale {
		return ctrl.Result{}, nil
	}
	known, err := facts(ctx, u.Cache, pod.Annotations, pod.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	why := "Hoist's webhook did not answer when the pod was made: make it again"
	if after, warnings := inject.Pod(&pod, pod.Namespace, known); after == &pod && len(warnings) > 0 {
		why = strings.Join(warnings, "; ")
	}
	u.Events.Eventf(&pod, nil, corev1.EventTypeWarning, "ModelNotMounted", "Admitting", "%s: %s", v1alpha1.ModelAnnotation, why)
	return ctrl.Result{}, nil
}

func mountsModel(pod *corev1.Pod) bool {
	for i := range pod.Spec.Volumes {
		if v := &pod.Spec.Volumes[i]; v.CSI != nil && v.CSI.Driver == v1alpha1.Driver {
			return true
		}
	}
	return false
}

// PodMetadata leaves of each pod what Uninjected looks at: a cluster has many. It is for the manager's cache.
func PodMetadata(object any) (any, error) {
	if pod, ok := object.(*metav1.PartialObjectMetadata); ok {
		kept := metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion}
		if model, ok := pod.Annotations[v1alpha1.ModelAnnotation]; ok {
			kept.Annotations = map[string]string{v1alpha1.ModelAnnotation: model}
		}
		pod.ObjectMeta = kept
	}
	return object, nil
}
