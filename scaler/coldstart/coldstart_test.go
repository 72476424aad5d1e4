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

func TestOf_TellsPhases(t *testing.T) {
	t.Parallel()
	p := pod("a", 1, 20, 3, 40, 5)
	want := v1alpha1.ColdStart{Pod: "a", At: at(69), ScheduledSeconds: 1, MountedSeconds: 20, StartedSeconds: 3, LoadedSeconds: 40, ReadySeconds: 5}
	got, ok := coldstart.Of(&p)
	if diff := cmp.Diff(want, got); !ok || diff != "" || got.Total() != 69 {
		t.Errorf("%v, %d s (-want +got):\n%s", ok, got.Total(), diff)
	}
	for name, change := range map[string]func(*corev1.Pod){
		"not Ready":   func(p *corev1.Pod) { p.Status.Conditions[3].Status = corev1.ConditionFalse },
		"restarted":   func(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount = 1 },
		"going":       func(p *corev1.Pod) { now := at(100); p.DeletionTimestamp = &now },
		"a day old":   func(p *corev1.Pod) { p.CreationTimestamp = at(-100_000) },
		"not running": func(p *corev1.Pod) { p.Status.ContainerStatuses[0].State = corev1.ContainerState{} },
		"without any": func(p *corev1.Pod) { p.Status = corev1.PodStatus{} },
	} {
		p := pod("a", 1, 20, 3, 40, 5)
		change(&p)
		if got, ok := coldstart.Of(&p); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// A gate that was open before the server answered, or after the pod was Ready, makes no phase negative, and the whole stays the whole.
	for _, turned := range []int{0, 22, 500} {
		p := pod("a", 1, 20, 3, 40, 5)
		p.Status.Conditions[2].LastTransitionTime = at(turned)
		if got, _ := coldstart.Of(&p); got.Total() != 69 || got.LoadedSeconds < 0 || got.ReadySeconds < 0 {
			t.Errorf("with the gate open after %d s: %+v", turned, got)
		}
	}
}

func TestAdd_RemembersTheLastStarts(t *testing.T) {
	t.Parallel()
	if coldstart.Add(nil, nil) != nil || coldstart.Slow(nil) != coldstart.Prior {
		t.Error("something is known before the first start")
	}
	var status *v1alpha1.ColdStartStatus
	for i := range 30 {
		p := pod(fmt.Sprint("pod-", i), 0, 0, 0, 10+i, 0)
		p.Status.Conditions[3].LastTransitionTime = at(10 + i)
		status = coldstart.Add(status, []corev1.Pod{p, p})
	}
	if len(status.Recent) != 20 || status.Recent[19].Pod != "pod-29" || status.P50Seconds != 29 || status.P90Seconds != 37 || coldstart.Slow(status) != 37 {
		t.Errorf("%d starts, the last %s, p50 %d, p90 %d", len(status.Recent), status.Recent[19].Pod, status.P50Seconds, status.P90Seconds)
	}
	first := coldstart.Add(nil, []corev1.Pod{pod("a", 0, 0, 0, 1, 0)})
	if first.P90Seconds != 1 || coldstart.Slow(first) != coldstart.Prior {
		t.Errorf("one start is all that is known: %+v", first)
	}
}
