// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// scale sets the replicas of t, notes on it what they were, and returns when it was told to. What somebody else has set meanwhile stays, and is an error.
func (b *bench) scale(ctx context.Context, t *target, replicas int32) (wanted time.Time, err error) {
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		d, err := b.Kube.AppsV1().Deployments(t.name.Namespace).Get(ctx, t.name.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if _, ours := markOf(d); !ours && replicasOf(d) != t.found {
			return fmt.Errorf("somebody else has scaled it to %d meanwhile", replicasOf(d))
		}
		t.touched, wanted = true, time.Now()
		return b.patch(ctx, d, &mark{before: t.before, set: replicas}, &replicas)
	})
	if err != nil {
		return wanted, fmt.Errorf("scale Deployment %s to %d: %w", t.name, replicas, err)
	}
	return wanted, nil
}

// patch sets the mark of d as it was read, or removes it, and its replicas where they are given, all at once or not at all.
func (b *bench) patch(ctx context.Context, d *appsv1.Deployment, m *mark, replicas *int32) error {
	var text any
	if m != nil {
		text = m.String()
	}
	change := map[string]any{"metadata": map[string]any{"resourceVersion": d.ResourceVersion, "annotations": map[string]any{ReplicasAnnotation: text}}}
	if replicas != nil {
		change["spec"] = map[string]any{"replicas": *replicas}
	}
	patch, err := json.Marshal(change)
	if err == nil {
		_, err = b.Kube.AppsV1().Deployments(d.Namespace).Patch(ctx, d.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	}
	return err
}

// settle scales t down to so many replicas, and returns when no other is there.
func (b *bench) settle(ctx context.Context, t *target, replicas int32) error {
	err := b.lower(ctx, t, replicas, func(ctx context.Context) error {
		_, err := b.scale(ctx, t, replicas)
		return err
	})
	if err != nil {
		return err
	}
	return b.gone(ctx, t, replicas)
}

// lastOfAll has a ReplicaSet that scales down take a pod first.
const lastOfAll = `{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"-1000000000"}}}`

// lower has scale scale t down to so many replicas. Those that a benchmark started go, and not those that were there before: a ReplicaSet alone would
// take any of about the same age.
func (b *bench) lower(ctx context.Context, t *target, replicas int32, scale func(context.Context) error) error {
	pods := b.Kube.CoreV1().Pods(t.name.Namespace)
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: t.selector})
	if err != nil {
		return fmt.Errorf("list the pods of Deployment %s: %w", t.name, err)
	}
	for _, name := range surplus(list.Items, t.started, int(replicas)) {
		if _, err := pods.Patch(ctx, name, types.MergePatchType, []byte(lastOfAll), metav1.PatchOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("mark pod %s to go first: %w", name, err)
		}
	}
	return scale(ctx)
}

// gone returns when no more than so many pods of t are there.
func (b *bench) gone(ctx context.Context, t *target, replicas int32) error {
	return b.await(ctx, "replicas of Deployment "+t.name.String()+" to go", func(ctx context.Context) (bool, error) {
		list, err := b.Kube.CoreV1().Pods(t.name.Namespace).List(ctx, metav1.ListOptions{LabelSelector: t.selector})
		if err != nil {
			return false, err
		}
		if there := slices.DeleteFunc(list.Items, over); len(there) > int(replicas) {
			return false, fmt.Errorf("%d of %d are there", len(there), replicas)
		}
		return true, nil
	})
}

// over reports whether a pod has ended and stays to be looked at, such as one that was evicted: a ReplicaSet does not count it.
func over(p corev1.Pod) bool {
	return p.DeletionTimestamp == nil && (p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded)
}

// surplus are the pods beyond so many replicas: the one that was started last, if that is known, and the youngest.
func surplus(pods []corev1.Pod, started string, replicas int) (names []string) {
	pods = slices.DeleteFunc(slices.Clone(pods), func(p corev1.Pod) bool { return p.DeletionTimestamp != nil || over(p) })
	slices.SortStableFunc(pods, func(a, b corev1.Pod) int {
		switch {
		case a.Name == started:
			return -1
		case b.Name == started:
			return 1
		}
		return b.CreationTimestamp.Compare(a.CreationTimestamp.Time)
	})
	for i := range max(len(pods)-replicas, 0) {
		names = append(names, pods[i].Name)
	}
	return names
}
