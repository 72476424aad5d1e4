// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package kueue

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// versions of Kueue's API, the newest first.
var versions = []string{"v1beta2", "v1beta1"}

// Read finds the queue of a workload's pods. It is nil where they name none, and where there is no Kueue. It needs to get the LocalQueues of the
// pod's namespace, and to list ClusterQueues and Cohorts. Who may not list ResourceFlavors, too, is told as if every flavor were for every pod.
func Read(ctx context.Context, r client.Reader, pod *corev1.Pod) (*Queue, error) {
	name := pod.Labels[QueueLabel]
	if name == "" {
		return nil, nil //nolint:nilnil // Kueue has nothing to do with it
	}
	for _, version := range versions {
		q, err := read(ctx, r, version, pod, name)
		if !meta.IsNoMatchError(err) {
			return q, err
		}
	}
	return nil, nil //nolint:nilnil // there is no Kueue
}

func read(ctx context.Context, r client.Reader, version string, pod *corev1.Pod, name string) (*Queue, error) {
	object := &unstructured.Unstructured{}
	object.SetAPIVersion("kueue.x-k8s.io/" + version)
	object.SetKind("LocalQueue")
	err := r.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: name}, object)
	if apierrors.IsNotFound(err) {
		return &Queue{Name: name, Broken: fmt.Sprintf("there is no LocalQueue %s in namespace %s", name, pod.Namespace)}, nil
	}
	var local localQueue
	if err == nil {
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &local)
	}
	if err != nil {
		return nil, fmt.Errorf("read the LocalQueue %s/%s: %w", pod.Namespace, name, err)
	}
	q, err := behind(ctx, r, version, pod, local.Spec.ClusterQueue)
	if err != nil {
		return nil, err
	}
	if q == nil {
		q = &Queue{ClusterQueue: local.Spec.ClusterQueue, Broken: fmt.Sprintf("there is no ClusterQueue %s, which LocalQueue %s names", local.Spec.ClusterQueue, name)}
	}
	if p := local.Spec.StopPolicy; q.Broken == "" && p != "" && p != "None" {
		q.Broken = fmt.Sprintf("LocalQueue %s is stopped: its stopPolicy is %s", name, p)
	}
	q.Name = name
	return q, nil
}

// behind is what a ClusterQueue admits; nil where there is none of that name.
func behind(ctx context.Context, r client.Reader, version string, pod *corev1.Pod, name string) (*Queue, error) {
	var queues []ClusterQueue
	var cohorts []Cohort
	if err := list(ctx, r, version, "ClusterQueue", &queues); err != nil {
		return nil, err
	}
	if err := list(ctx, r, version, "Cohort", &cohorts); err != nil && !meta.IsNoMatchError(err) { // older ones have none of that kind
		return nil, err
	}
	flavors, err := flavors(ctx, r, version)
	if err != nil {
		return nil, err
	}
	for i := range queues {
		if queues[i].Name == name {
			q := limit(pod, &queues[i], queues, cohorts, flavors)
			return &q, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// flavors are those that there are, by name, as far as they may be read.
func flavors(ctx context.Context, r client.Reader, version string) (map[string]*Flavor, error) {
	var all []Flavor
	if err := list(ctx, r, version, "ResourceFlavor", &all); err != nil && !meta.IsNoMatchError(err) && !apierrors.IsForbidden(err) {
		return nil, err
	}
	named := map[string]*Flavor{}
	for i := range all {
		named[all[i].Name] = &all[i]
	}
	return named, nil
}

// list reads all objects of a kind.
func list[T any](ctx context.Context, r client.Reader, version, kind string, into *[]T) error {
	all := &unstructured.UnstructuredList{}
	all.SetAPIVersion("kueue.x-k8s.io/" + version)
	all.SetKind(kind + "List")
	if err := r.List(ctx, all); err != nil {
		return fmt.Errorf("list %ss: %w", kind, err)
	}
	*into = make([]T, len(all.Items))
	for i := range all.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(all.Items[i].Object, &(*into)[i]); err != nil {
			return fmt.Errorf("read %s %s: %w", kind, all.Items[i].GetName(), err)
		}
	}
	return nil
}
