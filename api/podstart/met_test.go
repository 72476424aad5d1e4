// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package podstart_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/api/podstart"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

const (
	warm    = v1alpha1.WarmState
	cold    = v1alpha1.ColdState
	unknown = v1alpha1.UnknownState
)

func mounted(after time.Duration, downloaded int64) corev1.Event {
	return corev1.Event{Reason: v1alpha1.MountedReason, Message: v1alpha1.Mounted{Model: "llama3-8b", After: after, Downloaded: downloaded}.String()}
}

func pulled(note string) corev1.Event { return corev1.Event{Reason: "Pulled", Message: note} }

// What kubelets of several years say, and what agents do.
func TestMeet_ReadsWhatIsSaid(t *testing.T) {
	t.Parallel()
	const there = `Container image "vllm/vllm-openai:v0.11" already present on machine`
	for name, row := range map[string]struct {
		events []corev1.Event
		want   podstart.Met
	}{
		"nothing":               {nil, podstart.Met{Weights: unknown, Images: unknown}},
		"all was there":         {[]corev1.Event{mounted(9*time.Millisecond, 0), pulled(there)}, podstart.Met{Weights: warm, Mounting: 9 * time.Millisecond, Images: warm}},
		"there, by 1.35":        {[]corev1.Event{pulled(there + " and can be accessed by the pod")}, podstart.Met{Weights: unknown, Images: warm}},
		"a download":            {[]corev1.Event{mounted(20*time.Second, 16e9)}, podstart.Met{Weights: cold, Mounting: 20 * time.Second, Downloaded: 16e9, Images: unknown}},
		"a short download":      {[]corev1.Event{mounted(time.Second, 1)}, podstart.Met{Weights: cold, Mounting: time.Second, Downloaded: 1, Images: unknown}},
		"somebody else's":       {[]corev1.Event{mounted(40*time.Second, 0)}, podstart.Met{Weights: cold, Mounting: 40 * time.Second, Images: unknown}},
		"one of two models":     {[]corev1.Event{mounted(time.Millisecond, 0), mounted(9*time.Second, 5)}, podstart.Met{Weights: cold, Mounting: 9 * time.Second, Downloaded: 5, Images: unknown}},
		"a pull":                {[]corev1.Event{pulled(`Successfully pulled image "vllm" in 61.5s (1m2s including waiting). Image size: 8723948 bytes.`)}, podstart.Met{Weights: unknown, Images: cold, Pulling: 62 * time.Second}},
		"a pull by 1.19":        {[]corev1.Event{pulled(`Successfully pulled image "vllm" in 5.4s`)}, podstart.Met{Weights: unknown, Images: cold, Pulling: 5400 * time.Millisecond}},
		"asked, and there":      {[]corev1.Event{pulled(`Successfully pulled image "vllm" in 312ms (312ms including waiting)`)}, podstart.Met{Weights: unknown, Images: warm, Pulling: 312 * time.Millisecond}},
		"a sidecar's was there": {[]corev1.Event{pulled(there), pulled(`Successfully pulled image "vllm" in 1m0s (1m0s including waiting)`)}, podstart.Met{Weights: unknown, Images: cold, Pulling: time.Minute}},
		"a pull of before 1.19": {[]corev1.Event{pulled(`Successfully pulled image "vllm"`)}, podstart.Met{Weights: unknown, Images: unknown}},
		"what nobody measures":  {[]corev1.Event{pulled(`Successfully pulled image "vllm" in 99999h`), pulled(`Successfully pulled image "vllm" in 1.2.3s`)}, podstart.Met{Weights: unknown, Images: unknown}},
		"of the same reason":    {[]corev1.Event{pulled("Pulled a face"), {Reason: v1alpha1.MountedReason, Message: "model x mounted"}}, podstart.Met{Weights: unknown, Images: unknown}},
		"of other reasons":      {[]corev1.Event{{Reason: "Pulling", Message: there}, {Reason: "Other", Message: mounted(0, 0).Message}}, podstart.Met{Weights: unknown, Images: unknown}},
	} {
		if got := podstart.Meet(row.events); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

// The order of events does not matter, and nothing that an event says makes a time negative.
func TestMeet_HasNoOrder(t *testing.T) {
	t.Parallel()
	notes := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{mounted(time.Second, 0).Message, mounted(time.Minute, 9).Message, `Container image "a" already present on machine`,
		`Successfully pulled image "a" in 3s (4s including waiting)`, `Successfully pulled image "a" in -3s`, mounted(time.Second, -5).Message, `Successfully pulled image "a" in 9223372036s`}))
	rapid.Check(t, func(t *rapid.T) {
		var events []corev1.Event
		for range rapid.IntRange(0, 8).Draw(t, "events") {
			events = append(events, corev1.Event{Reason: rapid.SampledFrom([]string{"Pulled", v1alpha1.MountedReason, ""}).Draw(t, "reason"), Message: notes.Draw(t, "note")})
		}
		met := podstart.Meet(events)
		if other := podstart.Meet(rapid.Permutation(events).Draw(t, "order")); met != other {
			t.Fatalf("%+v and %+v", met, other)
		}
		if met.Pulling < 0 || met.Mounting < 0 || met.Downloaded < 0 || met.Weights == "" || met.Images == "" {
			t.Fatalf("%+v", met)
		}
	})
}

func TestAccelerator_IsTheGPUOrTheMachine(t *testing.T) {
	t.Parallel()
	for want, labels := range map[string]map[string]string{
		"NVIDIA-H100-80GB-HBM3": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", corev1.LabelInstanceTypeStable: "p5.48xlarge"},
		"p5.48xlarge":           {corev1.LabelInstanceTypeStable: "p5.48xlarge"},
		"":                      nil,
	} {
		if got := podstart.Accelerator(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: labels}}); got != want {
			t.Errorf("of %v: %q", labels, got)
		}
	}
}
