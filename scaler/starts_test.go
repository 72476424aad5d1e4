// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// readyPod is one of the scene's target, on its node, that took so many seconds to mount and was Ready a second later.
func readyPod(name string, wanted time.Time, mounting int) *corev1.Pod {
	at := func(seconds int) metav1.Time {
		return metav1.Time{Time: wanted.Add(time.Duration(seconds) * time.Second)}
	}
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{"app": "llama"}, CreationTimestamp: at(0)}}
	p.Spec.NodeName = "gpu-1"
	p.Spec.Volumes = []corev1.Volume{{Name: "m", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: v1alpha1.Driver, VolumeAttributes: map[string]string{v1alpha1.ModelAttribute: "llama3"}}}}}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue, LastTransitionTime: at(mounting)},
		{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: at(mounting + 1)}}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(mounting)}}}}
	return p
}

// eventOf is one of a pod, as the API server has it.
func eventOf(pod *corev1.Pod, name, reason, note string) *corev1.Event {
	return &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: name}, InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Reason: reason, Message: note}
}

// The starts of a target's pods are told with what they met on their nodes, once each; and an API server that shows no events stops nobody from scaling.
func TestPolicyReconciler_TellsWhatStartsMet(t *testing.T) {
	t.Parallel()
	p, f := scene()
	f.Nodes[0].Labels = map[string]string{"nvidia.com/gpu.product": "H100"}
	f.Workload.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "llama"}}
	first, second, third := readyPod("first", monday, 20), readyPod("second", monday.Add(time.Hour), 1), readyPod("third", monday.Add(2*time.Hour), 1)
	stranger := readyPod("stranger", monday, 500)
	stranger.Labels = nil
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	asked, shown := 0, true
	c := fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(first, stranger,
			eventOf(first, "a", v1alpha1.MountedReason, v1alpha1.Mounted{Model: "llama3", After: 19 * time.Second, Downloaded: 1 << 30}.String()),
			eventOf(first, "b", "Pulled", `Container image "vllm" already present on machine`),
			eventOf(second, "c", v1alpha1.MountedReason, v1alpha1.Mounted{Model: "llama3", After: 9 * time.Millisecond}.String()),
			eventOf(second, "d", "Pulled", `Successfully pulled image "vllm" in 61s (61s including waiting)`)).
		WithIndex(&corev1.Event{}, "involvedObject.uid", func(o client.Object) []string {
			event, ok := o.(*corev1.Event)
			if !ok {
				return nil
			}
			return []string{string(event.InvolvedObject.UID)}
		}).
		WithInterceptorFuncs(interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if _, ok := list.(*corev1.EventList); ok {
				if asked++; !shown {
					return apierrors.NewForbidden(schema.GroupResource{Resource: "events"}, "", nil)
				}
			}
			return c.List(ctx, list, opts...)
		}}).Build()
	r := &PolicyReconciler{Client: c, Reader: c}
	look := func(ready int32) {
		t.Helper()
		f.Workload.Ready = ready
		if err := r.starts(t.Context(), p, f); err != nil {
			t.Fatal(err)
		}
		p.Status.ReadyReplicas = ready
	}
	look(1)
	look(1)
	if asked != 1 {
		t.Errorf("events of one pod were asked for %d times", asked)
	}
	if err := c.Create(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	look(2)
	shown = false
	if err := c.Create(t.Context(), third); err != nil {
		t.Fatal(err)
	}
	look(3)
	var got []v1alpha1.ColdStart
	for _, c := range p.Status.ColdStart.Recent {
		c.At = metav1.Time{}
		got = append(got, c)
	}
	want := []v1alpha1.ColdStart{
		{Pod: "first", Accelerator: "H100", Weights: v1alpha1.ColdState, Images: v1alpha1.WarmState, MountedSeconds: 20, ReadySeconds: 1},
		{Pod: "second", Accelerator: "H100", Weights: v1alpha1.WarmState, Images: v1alpha1.ColdState, MountedSeconds: 1, ReadySeconds: 1},
		{Pod: "third", Accelerator: "H100", Weights: v1alpha1.UnknownState, Images: v1alpha1.UnknownState, MountedSeconds: 1, ReadySeconds: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" || asked != 3 || p.Status.ColdStart.Model != "team-a/llama3" || len(p.Status.ColdStart.Groups) != 3 {
		t.Errorf("asked %d times, %+v (-want +got):\n%s", asked, p.Status.ColdStart, diff)
	}
	look(4) // the workload knows of a pod before the list of pods does
	if err := c.Create(t.Context(), readyPod("fourth", monday.Add(3*time.Hour), 1)); err != nil {
		t.Fatal(err)
	}
	look(4)
	if known := len(p.Status.ColdStart.Recent); known != 4 {
		t.Errorf("%d starts are known of 4 pods: one that a look missed is found by the next", known)
	}
}
