// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// AnnotationReconciler keeps a ScalePolicy for each Deployment that asks for one with hoist.dev/scale.
type AnnotationReconciler struct {
	Client client.Client
	Events events.EventRecorder
}

// Setup registers the reconciler.
func (r *AnnotationReconciler) Setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("scale-annotation").
		For(&appsv1.Deployment{}, builder.WithPredicates(predicate.AnnotationChangedPredicate{})).
		Owns(&v1alpha1.ScalePolicy{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Complete(r)
}

// Reconcile makes, mends or deletes the policy of one Deployment. A policy that somebody else made stays as it is.
func (r *AnnotationReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var d appsv1.Deployment
	if err := r.Client.Get(ctx, request.NamespacedName, &d); err != nil || d.DeletionTimestamp != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var there v1alpha1.ScalePolicy
	err := r.Client.Get(ctx, request.NamespacedName, &there)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, err
	}
	exists, ours := err == nil, metav1.IsControlledBy(&there, &d)
	spec, asks, err := FromAnnotations(d.Annotations)
	switch {
	case !asks && exists && ours:
		return ctrl.Result{}, client.IgnoreNotFound(r.Client.Delete(ctx, &there, client.Preconditions{UID: &there.UID}))
	case !asks:
		return ctrl.Result{}, nil
	case err != nil:
		r.Events.Eventf(&d, nil, corev1.EventTypeWarning, "NotScaled", "Scaling", "%s", err.Error())
		return ctrl.Result{}, nil
	case exists && !ours:
		r.Events.Eventf(&d, nil, corev1.EventTypeWarning, "NotScaled", "Scaling", "ScalePolicy %s is there already, and not of this Deployment: %s does nothing", there.Name, v1alpha1.ScaleAnnotation)
		return ctrl.Result{}, nil
	}
	return r.write(ctx, &d, &there, exists, spec)
}

// write makes the policy of a Deployment, or mends the one that is there.
func (r *AnnotationReconciler) write(ctx context.Context, d *appsv1.Deployment, there *v1alpha1.ScalePolicy, exists bool, spec v1alpha1.ScalePolicySpec) (ctrl.Result, error) {
	spec.Target = v1alpha1.ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name}
	yes := true
	want := &v1alpha1.ScalePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name,
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: d.Name, UID: d.UID, Controller: &yes}}}, Spec: spec}
	if !exists {
		err := r.Client.Create(ctx, want, owner)
		if apierrors.IsAlreadyExists(err) {
			return ctrl.Result{RequeueAfter: again}, nil
		}
		return ctrl.Result{}, err
	}
	before := there.DeepCopy()
	there.Spec = merged(there.Spec, spec)
	return ctrl.Result{}, client.IgnoreNotFound(r.Client.Patch(ctx, there, client.MergeFrom(before), owner))
}

// merged takes over what annotations say, and leaves what somebody has added to the policy by hand.
func merged(there, said v1alpha1.ScalePolicySpec) v1alpha1.ScalePolicySpec {
	there.Target, there.MinReplicas, there.MaxReplicas, there.InFlightPerReplica, there.Floors = said.Target, said.MinReplicas, said.MaxReplicas, said.InFlightPerReplica, said.Floors
	return there
}

// What annotations leave out.
const (
	leastReplicas = 1
	mostReplicas  = 4
)

// FromAnnotations reads a policy from a Deployment's annotations; asks is false where they ask for none. Its error names every annotation that can't be read.
func FromAnnotations(annotations map[string]string) (spec v1alpha1.ScalePolicySpec, asks bool, err error) {
	switch value := annotations[v1alpha1.ScaleAnnotation]; value {
	case "", "false":
		return spec, false, nil
	case "true":
	default:
		return spec, true, fmt.Errorf("%s is %q: want true or false", v1alpha1.ScaleAnnotation, clip(value))
	}
	least, most := int32(leastReplicas), int32(mostReplicas)
	spec.MinReplicas, spec.MaxReplicas = &least, most
	var wrong []error
	number := func(name string, from, to int32, into *int32) bool { // what the API server takes
		text, said := annotations[name]
		if !said {
			return false
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < int64(from) || n > int64(to) {
			wrong = append(wrong, fmt.Errorf("%s is %q: want a whole number, %d to %d", name, clip(text), from, to))
			return false
		}
		*into = int32(n)
		return true
	}
	number(v1alpha1.MinReplicasAnnotation, 0, 1000, &least)
	if !number(v1alpha1.MaxReplicasAnnotation, 1, 1000, &spec.MaxReplicas) {
		spec.MaxReplicas = max(spec.MaxReplicas, least)
	}
	if least > spec.MaxReplicas {
		wrong = append(wrong, fmt.Errorf("%s is more than %s", v1alpha1.MinReplicasAnnotation, v1alpha1.MaxReplicasAnnotation))
	}
	var inFlight int32
	if number(v1alpha1.InFlightAnnotation, 1, 100_000, &inFlight) {
		spec.InFlightPerReplica = &inFlight
	}
	if text, said := annotations[v1alpha1.FloorAnnotation]; said {
		floor, err := parseFloor(text)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s is %q: %w", v1alpha1.FloorAnnotation, clip(text), err))
		}
		spec.Floors = []v1alpha1.Floor{floor}
	}
	return spec, true, errors.Join(wrong...)
}

// parseFloor reads "2 from 0 8 * * 1-5 to 0 19 * * 1-5 in Europe/Berlin"; the time zone may be left out.
func parseFloor(text string) (v1alpha1.Floor, error) {
	const cron = 5
	f := v1alpha1.Floor{Name: "hours"}
	words := strings.Fields(text)
	if len(words) == 2*cron+5 && words[2*cron+3] == "in" {
		f.TimeZone = words[2*cron+4]
		words = words[:2*cron+3]
	}
	if len(words) != 2*cron+3 || words[1] != "from" || words[cron+2] != "to" {
		return f, errors.New("want it like 2 from 0 8 * * 1-5 to 0 19 * * 1-5 in Europe/Berlin")
	}
	n, err := strconv.ParseInt(words[0], 10, 32)
	if err != nil || n < 1 || n > 1000 {
		return f, errors.New("want a number of replicas first")
	}
	f.Replicas, f.Start, f.End = int32(n), strings.Join(words[2:cron+2], " "), strings.Join(words[cron+3:], " ")
	if max(len(f.Start), len(f.End), 2*len(f.TimeZone)) > 128 { // what the API server takes
		return f, errors.New("want each time within 128 bytes, and the time zone within 64")
	}
	return f, checkFloor(f)
}

func clip(s string) string {
	const most = 64
	return s[:min(len(s), most)]
}
