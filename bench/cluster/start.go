// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/watch"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/view"
)

// start starts one replica more, and follows it to its first answer.
func (b *bench) start(ctx context.Context, t *target) (*started, error) {
	within, cancel := context.WithTimeout(ctx, b.Patience)
	defer cancel()
	s, err := b.follow(within, t)
	if err != nil {
		if ctx.Err() == nil && within.Err() != nil {
			err = fmt.Errorf("pod %q had not answered after %v: hoist why -n %s %s, or more --patience: %w", t.started, b.Patience, t.name.Namespace, t.started, err)
		}
		return nil, err
	}
	if s.claims {
		b.hear(ctx, t, s)
	}
	return s, ctx.Err()
}

// follow scales up by one, and watches the pod that comes.
func (b *bench) follow(ctx context.Context, t *target) (*started, error) {
	pods := b.Kube.CoreV1().Pods(t.name.Namespace)
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: t.selector})
	if err != nil {
		return nil, fmt.Errorf("list the pods of Deployment %s: %w", t.name, err)
	}
	known := sets.New[types.UID]()
	for i := range list.Items {
		known.Insert(list.Items[i].UID)
	}
	watcher, err := watch.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (apiwatch.Interface, error) {
		o.LabelSelector = t.selector
		return pods.Watch(ctx, o)
	}})
	if err != nil {
		return nil, fmt.Errorf("watch the pods of Deployment %s: %w", t.name, err)
	}
	defer watcher.Stop()
	s := &started{wanted: time.Now()}
	if err := b.scale(ctx, t, t.from(b.FromZero)+1); err != nil {
		return nil, err
	}
	pod, err := s.watch(ctx, watcher.ResultChan(), known, t)
	if err != nil {
		return nil, err
	}
	if err := b.listed(ctx, t, pod.Name); err != nil {
		return nil, err
	}
	s.listed = time.Now()
	if err := b.answered(ctx, t, pod); err != nil {
		return nil, err
	}
	s.answered, s.node, s.claims = time.Now(), pod.Spec.NodeName, len(view.Claims(pod)) > 0
	return s, nil
}

// watch follows the first pod that was not known until it is Ready.
func (s *started) watch(ctx context.Context, seen <-chan apiwatch.Event, known sets.Set[types.UID], t *target) (*corev1.Pod, error) {
	t.started = ""
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case e, open := <-seen:
			if !open || e.Type == apiwatch.Error {
				return nil, fmt.Errorf("the watch of the pods of Deployment %s ended: %v", t.name, e.Object)
			}
			pod, is := e.Object.(*corev1.Pod)
			if !is || known.Has(pod.UID) || t.started != "" && pod.Name != t.started {
				continue
			}
			t.started = pod.Name
			if err := hopeless(e.Type, pod); err != nil {
				return nil, err
			}
			if s.look(pod, time.Now()); !s.ready.IsZero() {
				return pod, nil
			}
		}
	}
}

// hopeless is an error where a pod will not become Ready.
func hopeless(event apiwatch.EventType, pod *corev1.Pod) error {
	if event == apiwatch.Deleted || pod.DeletionTimestamp != nil {
		return fmt.Errorf("pod %s was deleted while it started: does something else scale its Deployment?", pod.Name)
	}
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if w := c.State.Waiting; w != nil && (w.Reason == "CrashLoopBackOff" || w.Reason == "ImagePullBackOff" || w.Reason == "CreateContainerConfigError") {
			return fmt.Errorf("pod %s does not start: container %s: %s: %s", pod.Name, c.Name, w.Reason, w.Message)
		}
	}
	return nil
}

// scale sets the replicas of t, and notes on it what they were.
func (b *bench) scale(ctx context.Context, t *target, replicas int32) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{ReplicasAnnotation: fmt.Sprint(t.before)}}, "spec": map[string]any{"replicas": replicas}})
	if err != nil {
		return err
	}
	if _, err := b.Kube.AppsV1().Deployments(t.name.Namespace).Patch(ctx, t.name.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("scale Deployment %s to %d: %w", t.name, replicas, err)
	}
	t.set = replicas
	return nil
}

// heardWithin is how long an agent may take to write an event.
const heardWithin = 5 * time.Second

// lastOfAll has a ReplicaSet that scales down take a pod first.
const lastOfAll = `{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"-1000000000"}}}`

// settle scales t down to so many replicas, and returns when no other is there. Those that a benchmark started go, and not those that were there
// before: a ReplicaSet alone would take any of about the same age.
func (b *bench) settle(ctx context.Context, t *target, replicas int32) error {
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
	if err := b.scale(ctx, t, replicas); err != nil {
		return err
	}
	return b.await(ctx, "replicas of Deployment "+t.name.String()+" to go", func(ctx context.Context) (bool, error) {
		list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: t.selector})
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

// hear reads what the agent told about the mount. Without it a run has no proof, which the report says.
func (b *bench) hear(ctx context.Context, t *target, s *started) {
	ctx, cancel := context.WithTimeout(ctx, heardWithin)
	defer cancel()
	of := fields.Set{"involvedObject.name": t.started, "reason": v1alpha1.MountedReason}.String()
	_ = wait.PollUntilContextCancel(ctx, lookEvery, true, func(ctx context.Context) (bool, error) {
		list, err := b.Kube.CoreV1().Events(t.name.Namespace).List(ctx, metav1.ListOptions{FieldSelector: of})
		if err != nil {
			return false, err
		}
		for i := range list.Items {
			if m, ok := v1alpha1.ParseMounted(list.Items[i].Message); ok {
				s.mounted = &m
			}
		}
		return s.mounted != nil, nil
	})
}
