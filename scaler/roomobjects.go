// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/headroom"
)

// served is the version of the CapacityBuffer API that the cluster has, or empty.
func (f *Forecaster) served() (string, error) {
	mapping, err := f.Client.RESTMapper().RESTMapping(schema.GroupKind{Group: headroom.BufferGroup, Kind: headroom.BufferKind}, headroom.BufferVersions()...)
	if meta.IsNoMatchError(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for the CapacityBuffer API: %w", err)
	}
	return mapping.GroupVersionKind.Version, nil
}

// standing is what there is at the begin of a pass.
type standing struct {
	version string                               // of the CapacityBuffer API that is served, or empty
	by      map[client.ObjectKey][]client.Object // what keeps room, by policy, those of policies that are no more among them
}

// look finds out what there is.
func (f *Forecaster) look(ctx context.Context) (*standing, error) {
	s := &standing{by: map[client.ObjectKey][]client.Object{}}
	var err error
	if s.version, err = f.served(); err != nil {
		return nil, err
	}
	if err := errors.Join(f.lookForPlaceholders(ctx, s), f.lookForBuffers(ctx, s)); err != nil {
		return nil, err
	}
	return s, nil
}

// lookForPlaceholders finds those of all policies.
func (f *Forecaster) lookForPlaceholders(ctx context.Context, s *standing) error {
	if !f.Room.May.Placeholders {
		return nil
	}
	var deployments appsv1.DeploymentList
	if err := f.Client.List(ctx, &deployments, client.InNamespace(f.Room.Made.Namespace), client.MatchingLabels(headroom.Ours()), client.HasLabels{v1alpha1.PlaceholderLabel}); err != nil {
		return fmt.Errorf("list placeholders: %w", err)
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		namespace, name, _ := strings.Cut(d.Annotations[headroom.PolicyAnnotation], "/")
		key := client.ObjectKey{Namespace: namespace, Name: name}
		if d.Name != headroom.PlaceholdersName(key) {
			key = client.ObjectKey{} // nobody's
		}
		s.by[key] = append(s.by[key], d)
	}
	return nil
}

// lookForBuffers finds those of all policies.
func (f *Forecaster) lookForBuffers(ctx context.Context, s *standing) error {
	if s.version == "" || !f.Room.May.Buffers {
		return nil
	}
	kind := schema.GroupVersionKind{Group: headroom.BufferGroup, Version: s.version, Kind: headroom.BufferKind}
	buffers := &metav1.PartialObjectMetadataList{}
	buffers.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	err := f.Reader.List(ctx, buffers, client.MatchingLabels(headroom.Ours()))
	if apierrors.IsNotFound(err) { // the API was there, and is no more
		s.version = ""
		return nil
	}
	if err != nil {
		return fmt.Errorf("list CapacityBuffers: %w", err)
	}
	for i := range buffers.Items {
		b := &buffers.Items[i]
		b.SetGroupVersionKind(kind)
		if of := metav1.GetControllerOf(b); of != nil && of.Kind == "ScalePolicy" && strings.HasPrefix(of.APIVersion, v1alpha1.GroupVersion.Group+"/") {
			key := client.ObjectKey{Namespace: b.Namespace, Name: of.Name}
			s.by[key] = append(s.by[key], b)
		}
	}
	return nil
}

// kindOf is what an object of holdings keeps room with.
func kindOf(object client.Object) v1alpha1.CapacityKind {
	if _, ok := object.(*appsv1.Deployment); ok {
		return v1alpha1.Placeholders
	}
	return v1alpha1.CapacityBuffer
}

// buffer writes the CapacityBuffer of a policy, and says what it waits for.
func (f *Forecaster) buffer(ctx context.Context, p *v1alpha1.ScalePolicy, version string, replicas int32, ours bool) (message string, held bool, err error) {
	made := headroom.Buffer(p, version, replicas)
	if !ours {
		there := &metav1.PartialObjectMetadata{TypeMeta: made.TypeMeta}
		err := f.Reader.Get(ctx, client.ObjectKey{Namespace: made.Namespace, Name: made.Name}, there)
		switch {
		case err == nil && !metav1.IsControlledBy(there, p):
			return fmt.Sprintf("CapacityBuffer %s is somebody else's: delete it, and the policy makes its own", made.Name), false, nil
		case err != nil && !apierrors.IsNotFound(err):
			return "", false, err
		}
	}
	object := &unstructured.Unstructured{}
	if err := f.apply(ctx, made, made.TypeMeta, object, client.ObjectKey{Namespace: made.Namespace, Name: made.Name}); err != nil {
		return "", false, err
	}
	message, err = bufferWaits(object)
	return message, true, err
}

// bufferWaits is what a CapacityBuffer waits for, in the words of whoever looks after it.
func bufferWaits(object *unstructured.Unstructured) (string, error) {
	content, err := json.Marshal(object.Object["status"])
	if err != nil {
		return "", err
	}
	var said scaledStatus
	if err := json.Unmarshal(content, &said); err != nil {
		return "", fmt.Errorf("read the status of CapacityBuffer %s/%s: %w", object.GetNamespace(), object.GetName(), err)
	}
	if len(said.Conditions) == 0 {
		return "no autoscaler has looked at the CapacityBuffer yet", nil
	}
	for _, c := range said.Conditions {
		if c.Status == metav1.ConditionFalse {
			return fmt.Sprintf("the CapacityBuffer is not %s: %s %s", c.Type, c.Reason, c.Message), nil
		}
	}
	return "", nil
}

// placeholders writes the placeholders of a policy, and says what they wait for.
func (f *Forecaster) placeholders(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts, replicas int32) (message string, held bool, err error) {
	made, err := headroom.Placeholders(p, &facts.Workload.Template, modelOf(facts.Workload, p.Namespace), replicas, f.Room.Made)
	if err != nil {
		return err.Error(), false, nil //nolint:nilerr // it is said in the status
	}
	var d appsv1.Deployment
	if err := f.apply(ctx, made, made.TypeMeta, &d, client.ObjectKeyFromObject(made)); err != nil {
		return "", false, err
	}
	if waiting := replicas - d.Status.ReadyReplicas; waiting > 0 {
		message = fmt.Sprintf("%d of %d placeholders have no node yet", waiting, replicas)
	}
	return message, true, nil
}

// apply writes an object with our fields, and reads it as it is then.
func (f *Forecaster) apply(ctx context.Context, made any, kind metav1.TypeMeta, into client.Object, key client.ObjectKey) error {
	content, err := json.Marshal(made)
	if err != nil {
		return err
	}
	if u, ok := into.(*unstructured.Unstructured); ok {
		u.SetAPIVersion(kind.APIVersion)
		u.SetKind(kind.Kind)
	}
	into.SetNamespace(key.Namespace)
	into.SetName(key.Name)
	return f.Client.Patch(ctx, into, client.RawPatch(types.ApplyPatchType, content), owner, client.ForceOwnership, client.FieldValidation(metav1.FieldValidationStrict))
}
