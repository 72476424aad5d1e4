// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package coldstart_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
)

var made = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func at(seconds int) metav1.Time {
	return metav1.Time{Time: made.Add(time.Duration(seconds) * time.Second)}
}

// pod is Ready after these many seconds of each phase.
func pod(name string, scheduled, mounted, started, loaded, ready int) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: at(0)}}
	sum := 0
	turn := func(kind corev1.PodConditionType, seconds int) {
		sum += seconds
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: at(sum)})
	}
	turn(corev1.PodScheduled, scheduled)
	turn(corev1.PodReadyToStartContainers, mounted)
	sum += started
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(sum)}}}}
	turn(v1alpha1.WeightsInVRAMCondition, loaded)
	turn(corev1.PodReady, ready)
	return p
}

// said are the events of a pod whose model came so, and whose image took so long; "" is not told.
func said(downloaded int64, mounting, pulling string) (events []corev1.Event) {
	if took, err := time.ParseDuration(mounting); err == nil {
		events = append(events, corev1.Event{Reason: v1alpha1.MountedReason, Message: v1alpha1.Mounted{Model: "llama3", After: took, Downloaded: downloaded}.String()})
	}
	if pulling != "" {
		events = append(events, corev1.Event{Reason: "Pulled", Message: fmt.Sprintf("Successfully pulled image \"vllm\" in %s (%s including waiting). Image size: 7 bytes.", pulling, pulling)})
	}
	return events
}

func gpu(product string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"nvidia.com/gpu.product": product}}}
}

func TestOf_TellsPhases(t *testing.T) {
	t.Parallel()
	p := pod("a", 1, 20, 3, 40, 5)
	want := v1alpha1.ColdStart{Pod: "a", At: at(69), Weights: v1alpha1.UnknownState, Images: v1alpha1.UnknownState, ScheduledSeconds: 1, MountedSeconds: 20, StartedSeconds: 3, LoadedSeconds: 40, ReadySeconds: 5}
	got, ok := coldstart.Of(coldstart.Seen{Pod: &p})
	if diff := cmp.Diff(want, got); !ok || diff != "" || got.Total() != 69 {
		t.Errorf("%v, %d s (-want +got):\n%s", ok, got.Total(), diff)
	}
	want.Accelerator, want.Weights, want.Images, want.PulledSeconds, want.StartedSeconds = "H100", v1alpha1.ColdState, v1alpha1.WarmState, 2, 1
	got, ok = coldstart.Of(coldstart.Seen{Pod: &p, Node: gpu("H100"), Events: said(1<<30, "19.8s", "1.9s")})
	if diff := cmp.Diff(want, got); !ok || diff != "" || got.Total() != 69 {
		t.Errorf("with events: %v, %d s (-want +got):\n%s", ok, got.Total(), diff)
	}
	// A pull that took longer than the containers' start ends with it: the whole stays the whole.
	if got, _ := coldstart.Of(coldstart.Seen{Pod: &p, Events: said(0, "9ms", "30s")}); got.PulledSeconds != 3 || got.StartedSeconds != 0 || got.Total() != 69 || got.Images != v1alpha1.ColdState || got.Weights != v1alpha1.WarmState {
		t.Errorf("with a long pull: %+v", got)
	}
	for name, change := range map[string]func(*corev1.Pod){
		"not Ready":     func(p *corev1.Pod) { p.Status.Conditions[3].Status = corev1.ConditionFalse },
		"restarted":     func(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount = 1 },
		"going":         func(p *corev1.Pod) { now := at(100); p.DeletionTimestamp = &now },
		"a day old":     func(p *corev1.Pod) { p.CreationTimestamp = at(-100_000) },
		"Ready again":   func(p *corev1.Pod) { p.Status.Conditions[3].LastTransitionTime = at(8000) },
		"not running":   func(p *corev1.Pod) { p.Status.ContainerStatuses[0].State = corev1.ContainerState{} },
		"without any":   func(p *corev1.Pod) { p.Status = corev1.PodStatus{} },
		"no containers": func(p *corev1.Pod) { p.Status.ContainerStatuses = nil },
	} {
		p := pod("a", 1, 20, 3, 40, 5)
		change(&p)
		if got, ok := coldstart.Of(coldstart.Seen{Pod: &p}); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// A gate that was open before the server answered, or after the pod was Ready, makes no phase negative, and the whole stays the whole.
	for _, turned := range []int{0, 22, 500} {
		p := pod("a", 1, 20, 3, 40, 5)
		p.Status.Conditions[2].LastTransitionTime = at(turned)
		if got, _ := coldstart.Of(coldstart.Seen{Pod: &p}); got.Total() != 69 || got.LoadedSeconds < 0 || got.ReadySeconds < 0 {
			t.Errorf("with the gate open after %d s: %+v", turned, got)
		}
	}
}
