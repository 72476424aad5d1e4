// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// owner is whose fields of a ScaledObject are Hoist's; those of others stay.
const owner = client.FieldOwner("hoist-scaler")

// scaledStatus is what KEDA says of a ScaledObject.
type scaledStatus struct {
	Conditions []metav1.Condition `json:"conditions"`
}

var errNoKEDA = &Unready{v1alpha1.KEDAMissingReason, "there is no KEDA in this cluster: install it (https://keda.sh/docs/latest/deploy/), 2.20 or later"}

// apply writes the ScaledObject of a policy, and gives what KEDA says of it. What stands against it is an *Unready.
func (r *PolicyReconciler) apply(ctx context.Context, s Settled) (scaledStatus, error) {
	made, err := scaledobject.Make(s.Input)
	if err != nil {
		return scaledStatus{}, &Unready{v1alpha1.ServerUnknownReason, err.Error()}
	}
	if err := r.mayWrite(ctx, s.Policy, made.Name); err != nil {
		return scaledStatus{}, err
	}
	content, err := json.Marshal(made)
	if err != nil {
		return scaledStatus{}, err
	}
	object := &unstructured.Unstructured{}
	object.SetAPIVersion(made.APIVersion)
	object.SetKind(made.Kind)
	object.SetNamespace(made.Namespace)
	object.SetName(made.Name)
	// Strict: an old KEDA has not all fields, and without them it would do something else in silence.
	apply := client.RawPatch(types.ApplyPatchType, content)
	switch err := r.Client.Patch(ctx, object, apply, owner, client.ForceOwnership, client.FieldValidation(metav1.FieldValidationStrict)); {
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err): // not found is its kind, where KEDA went while this runs: apply makes what it does not find
		return scaledStatus{}, errNoKEDA
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err):
		return scaledStatus{}, &Unready{v1alpha1.KEDARefusedReason, "the ScaledObject is not taken: " + err.Error()}
	case err != nil:
		return scaledStatus{}, fmt.Errorf("write ScaledObject %s/%s: %w", made.Namespace, made.Name, err)
	}
	var said struct{ Status scaledStatus }
	if content, err = json.Marshal(object.Object); err != nil {
		return scaledStatus{}, err
	}
	if err := json.Unmarshal(content, &said); err != nil {
		return scaledStatus{}, fmt.Errorf("read the status of ScaledObject %s/%s: %w", made.Namespace, made.Name, err)
	}
	return said.Status, nil
}

// mayWrite keeps hands off what others made.
func (r *PolicyReconciler) mayWrite(ctx context.Context, p *v1alpha1.ScalePolicy, name string) error {
	there := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject"}}
	err := r.Reader.Get(ctx, client.ObjectKey{Namespace: p.Namespace, Name: name}, there)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case meta.IsNoMatchError(err):
		return errNoKEDA
	case err != nil:
		return err
	case !metav1.IsControlledBy(there, p):
		return &Unready{v1alpha1.NotOursReason, fmt.Sprintf("ScaledObject %s is somebody else's: delete it, and the policy makes its own", name)}
	}
	return nil
}

// pods are those of a workload.
func (r *PolicyReconciler) pods(ctx context.Context, namespace string, w *Workload) ([]corev1.Pod, error) {
	selector, err := metav1.LabelSelectorAsSelector(w.Selector)
	if err != nil {
		return nil, err
	}
	var pods corev1.PodList
	err = r.Reader.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector})
	return pods.Items, err
}
