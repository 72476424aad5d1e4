// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

var wanted = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func after(seconds int) metav1.Time {
	return metav1.Time{Time: wanted.Add(time.Duration(seconds) * time.Second)}
}

// startedPod went through its phases at these seconds; 0 is not yet.
func startedPod(scheduled, mounted, started, loaded, ready int) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "web-0", CreationTimestamp: after(0)}}
	p.Spec.NodeName = "gpu-3"
	p.Spec.Containers = []corev1.Container{{Name: "server"}}
	p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: v1alpha1.WeightsInVRAMCondition}}
	p.Spec.Volumes = []corev1.Volume{{Name: "m", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: v1alpha1.Driver, VolumeAttributes: map[string]string{v1alpha1.ModelAttribute: "llama3-8b"}}}}}
	for kind, at := range map[corev1.PodConditionType]int{corev1.PodScheduled: scheduled, corev1.PodReadyToStartContainers: mounted, v1alpha1.WeightsInVRAMCondition: loaded, corev1.PodReady: ready} {
		if at > 0 {
			p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: after(at)})
		}
	}
	if started > 0 {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: after(started)}}}}
	}
	return p
}

func TestTimeline_DrawsAWaterfall(t *testing.T) {
	t.Parallel()
	fetching := corev1.Event{Reason: "FetchingModel", Message: "model llama3-8b: pod team-a/web-0\nwaits for it", EventTime: metav1.MicroTime{Time: wanted.Add(1400 * time.Millisecond)}}
	scheduled := corev1.Event{Reason: "Scheduled", Message: "Successfully assigned team-a/web-0 to gpu-3", FirstTimestamp: after(1)}
	mounted := corev1.Event{Reason: v1alpha1.MountedReason, Message: v1alpha1.Mounted{Model: "llama3-8b", After: 19800 * time.Millisecond, Downloaded: 15 << 30}.String(), FirstTimestamp: after(21)}
	pulled := corev1.Event{Reason: "Pulled", Message: `Container image "vllm" already present on machine`, FirstTimestamp: after(22)}
	for name, row := range map[string]struct {
		scene Scene
		want  string
	}{
		"Ready": {Scene{Pod: startedPod(1, 21, 24, 64, 69), Events: []corev1.Event{fetching, scheduled}, Now: wanted.Add(time.Hour)}, `
pod team-a/web-0 on node gpu-3, model llama3-8b: Ready 1m9s after it was wanted

  scheduling            +0s  █ 1s
  mounting, weights     +1s  ████████████ 20s
  images, start        +21s              █ 3s
  weights to VRAM      +24s               ████████████████████████ 40s
  until Ready         +1m4s                                       ███ 5s

     +1s  Scheduled          Successfully assigned team-a/web-0 to gpu-3
     +1s  FetchingModel      model llama3-8b: pod team-a/web-0 waits for it

Conditions and container states tell whole seconds.`},
		"told by events": {Scene{Pod: startedPod(1, 21, 24, 64, 69), Events: []corev1.Event{pulled, mounted}, Now: wanted.Add(time.Hour)}, `
pod team-a/web-0 on node gpu-3, model llama3-8b: Ready 1m9s after it was wanted

  scheduling            +0s  █ 1s
  mounting, weights     +1s  ████████████ 20s
  images, start        +21s              █ 3s
  weights to VRAM      +24s               ████████████████████████ 40s
  until Ready         +1m4s                                       ███ 5s

The weights were not on the node: 15.0Gi were downloaded, and mounted after 19.8s; its images were there.

    +21s  ModelMounted       model llama3-8b mounted 19.8000 s after the kubelet asked for it, 16106127360 bytes were downloaded meanwhile
    +22s  Pulled             Container image "vllm" already present on machine

Conditions and container states tell whole seconds.`},
		"still mounting": {Scene{Pod: startedPod(2, 0, 0, 0, 0), Now: wanted.Add(20 * time.Second)}, `
pod team-a/web-0 on node gpu-3, model llama3-8b: wanted 20s ago, and not Ready

  scheduling            +0s  ████ 2s
  mounting, weights     +2s      ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 18s, and goes on

Conditions and container states tell whole seconds.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Timeline(row.scene); got != strings.TrimPrefix(row.want, "\n") {
				t.Errorf("got:\n%s\nwant:%s", got, row.want)
			}
		})
	}
}

// What a pod met on its node is said as it was.
func TestTimeline_SaysWhatWasMet(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]v1alpha1.Mounted{
		"\nThe weights were on the node, and mounted in 9ms.\n":                   {Model: "m", After: 9 * time.Millisecond},
		"\nThe weights were on their way to the node, and mounted after 1m10s.\n": {Model: "m", After: 70 * time.Second},
	} {
		s := Scene{Events: []corev1.Event{{Reason: v1alpha1.MountedReason, Message: m.String()}}}
		if got := s.met(); got != want {
			t.Errorf("of %v: %q", m, got)
		}
	}
	if got := (Scene{Events: []corev1.Event{{Reason: "Pulled", Message: `Successfully pulled image "a" in 61s (62s including waiting)`}}}).met(); got != "\nIts images were pulled in 1m2s.\n" {
		t.Errorf("of a pull: %q", got)
	}
}

// Whatever conditions say, phases follow one another without gaps, none is negative, and together they are the whole.
func TestTimeline_PhasesAddUpToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		second := rapid.IntRange(0, 100)
		ready := second.Draw(t, "ready")
		pod := startedPod(second.Draw(t, "scheduled"), second.Draw(t, "mounted"), second.Draw(t, "started"), second.Draw(t, "loaded"), ready)
		now := wanted.Add(100 * time.Second)
		spans := spansOf(pod, now)
		at := wanted
		for _, sp := range spans {
			if !sp.from.Equal(at) || sp.to.Before(sp.from) {
				t.Fatalf("%+v does not follow on %v", sp, at)
			}
			at = sp.to
		}
		if ready > 0 && !at.Equal(wanted.Add(time.Duration(ready)*time.Second)) {
			t.Fatalf("Ready after %d s, and phases end after %v: %+v", ready, at.Sub(wanted), spans)
		}
		if last := spans[len(spans)-1]; last.open != (ready == 0) && ready > 0 {
			t.Fatalf("it is Ready, and %+v goes on", last)
		}
	})
}
