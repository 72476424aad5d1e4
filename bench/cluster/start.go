// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
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
		o.LabelSelector, o.TimeoutSeconds = t.selector, new(int64(watchFor/time.Second))
		return pods.Watch(ctx, o)
	}})
	if err != nil {
		return nil, fmt.Errorf("watch the pods of Deployment %s: %w", t.name, err)
	}
	defer watcher.Stop()
	s := &started{}
	if s.wanted, err = b.scale(ctx, t, t.from(b.FromZero)+1); err != nil {
		return nil, err
	}
	pod, err := b.watch(ctx, s, watcher.ResultChan(), known, t)
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

// watchFor is how long the API server keeps one watch: before it ends one, it says up to where nothing was missed.
const watchFor = 5 * time.Minute

// watch follows the first pod that was not known until it is Ready.
func (b *bench) watch(ctx context.Context, s *started, seen <-chan apiwatch.Event, known sets.Set[types.UID], t *target) (*corev1.Pod, error) {
	t.started = ""
	lacks := "nothing has made it yet"
	tell := time.NewTicker(tellEvery)
	defer tell.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tell.C:
			b.step("waiting for a pod of Deployment %s: %s", t.name, lacks)
		case e, open := <-seen:
			if !open || e.Type == apiwatch.Error {
				return nil, fmt.Errorf("the watch of the pods of Deployment %s ended: %v", t.name, e.Object)
			}
			if pod := t.wanted(e, known); pod != nil {
				t.started, lacks = pod.Name, lacking(pod)
				if ready, err := s.see(e.Type, pod); ready || err != nil {
					return pod, err
				}
			}
		}
	}
}

// wanted is the pod that an event is of, if it is the one that is followed, or the first that was not known; else nil.
func (t *target) wanted(e apiwatch.Event, known sets.Set[types.UID]) *corev1.Pod {
	pod, is := e.Object.(*corev1.Pod)
	if !is || known.Has(pod.UID) || t.started != "" && pod.Name != t.started {
		return nil
	}
	return pod
}

// see notes what is new of a pod, and whether it is Ready. One that will not become so is an error.
func (s *started) see(event apiwatch.EventType, pod *corev1.Pod) (ready bool, err error) {
	if err := hopeless(event, pod); err != nil {
		return false, err
	}
	s.look(pod, time.Now())
	return !s.ready.IsZero(), nil
}

// lacking is what a pod that is not Ready waits for, in words.
func lacking(pod *corev1.Pod) string {
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady} {
		for _, c := range pod.Status.Conditions {
			if c.Type == kind && c.Status != corev1.ConditionTrue {
				return strings.TrimRight(fmt.Sprintf("%s is not %s yet: %s", pod.Name, kind, c.Message), ": ")
			}
		}
	}
	return pod.Name + " is not Ready yet"
}

// hopeless is an error where a pod will not become Ready.
func hopeless(event apiwatch.EventType, pod *corev1.Pod) error {
	if event == apiwatch.Deleted || pod.DeletionTimestamp != nil {
		return fmt.Errorf("pod %s was deleted while it started: does something else scale its Deployment?", pod.Name)
	}
	if pod.Status.Phase == corev1.PodFailed {
		return fmt.Errorf("pod %s does not start: %s: %s", pod.Name, pod.Status.Reason, pod.Status.Message)
	}
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if w := c.State.Waiting; w != nil && (w.Reason == "CrashLoopBackOff" || w.Reason == "ImagePullBackOff" || w.Reason == "CreateContainerConfigError") {
			return fmt.Errorf("pod %s does not start: container %s: %s: %s", pod.Name, c.Name, w.Reason, w.Message)
		}
	}
	return nil
}

// heardWithin is how long an agent may take to write an event.
const heardWithin = 5 * time.Second

// hear reads what the agent told about the mount. Without it a run has no proof, which the report says.
func (b *bench) hear(ctx context.Context, t *target, s *started) {
	ctx, cancel := context.WithTimeout(ctx, heardWithin)
	defer cancel()
	of := fields.Set{"involvedObject.name": t.started, "reason": v1alpha1.MountedReason}.String()
	err := wait.PollUntilContextCancel(ctx, lookEvery, true, func(ctx context.Context) (bool, error) {
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
	if err != nil {
		b.step("what the mount of pod %s took, and whether anything was downloaded, is not known: there is no event %s of it (%v)", t.started, v1alpha1.MountedReason, err)
	}
}
