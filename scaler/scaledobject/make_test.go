// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaledobject_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

var update = flag.Bool("update", false, "write testdata instead of comparing it")

func input(name string, kind inference.Kind, change func(*scaledobject.Input)) scaledobject.Input {
	p := &v1alpha1.ScalePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, UID: "0a1b"}}
	p.Spec.Target = v1alpha1.ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: "llama"}
	in := scaledobject.Input{Policy: p, Server: kind, InFlight: 22, Min: 1, Max: 4, Slow: 180, Prometheus: v1alpha1.Prometheus{Address: "http://prometheus.monitoring.svc:9090"}}
	if change != nil {
		change(&in)
	}
	return in
}

func inputs() map[string]scaledobject.Input {
	all := map[string]scaledobject.Input{
		"full": input("full", inference.VLLM, func(in *scaledobject.Input) {
			in.Min, in.Slow, in.Prometheus.Authentication, in.Prometheus.AuthModes = 0, 1200, "prometheus", "bearer"
			s := &in.Policy.Spec
			s.Wake = &v1alpha1.WakeSource{EndpointPicker: &v1alpha1.EndpointPicker{ModelName: "llama3", Namespace: "gateway"}}
			s.Floors = []v1alpha1.Floor{{Name: "business", Start: "0 8 * * 1-5", End: "0 19 * * 1-5", TimeZone: "Europe/Berlin", Replicas: 2}}
			s.Forecast = &v1alpha1.Forecast{Replicas: true}
			three := int32(3)
			s.FallbackReplicas, s.Suspend = &three, true
		}),
		"secured": input("secured", inference.VLLM, func(in *scaledobject.Input) {
			in.Identity = scaledobject.Identity{Kind: "ClusterTriggerAuthentication", Name: "prometheus", Modes: "bearer", Headers: map[string]string{"X-Scope-OrgID": "team-a|team-b", "X-Zone": "eu"}}
			in.Policy.Spec.Forecast = &v1alpha1.Forecast{Replicas: true}
			in.Policy.Spec.Floors = []v1alpha1.Floor{{Name: "business", Start: "0 8 * * 1-5", End: "0 19 * * 1-5", Replicas: 2}}
		}),
		// docs/scaling.md explains this one line by line.
		"explained": input("llama", inference.VLLM, func(in *scaledobject.Input) {
			in.Min, in.Max, in.Slow = 0, 8, 240
			s := &in.Policy.Spec
			s.Wake = &v1alpha1.WakeSource{EndpointPicker: &v1alpha1.EndpointPicker{ModelName: "llama3"}}
			s.Floors = []v1alpha1.Floor{{Name: "business", Start: "0 8 * * 1-5", End: "0 19 * * 1-5", TimeZone: "Europe/Berlin", Replicas: 2}}
			s.Forecast = &v1alpha1.Forecast{Replicas: true}
		}),
		"httpaddon": input("httpaddon", inference.VLLM, func(in *scaledobject.Input) {
			in.Min, in.Policy.Spec.Wake = 0, &v1alpha1.WakeSource{HTTPAddOn: &v1alpha1.HTTPAddOn{Route: "llama"}}
		}),
		"gpu": input("gpu", inference.VLLM, func(in *scaledobject.Input) { in.GPU = &v1alpha1.GPUTrigger{TargetPercent: 80} }),
		"vram": input("vram", inference.Ollama, func(in *scaledobject.Input) {
			in.Policy.Spec.Query = "sum(mine)"
			in.GPU = &v1alpha1.GPUTrigger{Metric: v1alpha1.GPUMemory, Namespace: "monitoring"}
		}),
		"query": input("query", "", func(in *scaledobject.Input) {
			in.Policy.Spec.Query, in.Policy.Spec.Wake = "sum(mine)", &v1alpha1.WakeSource{Query: "sum(front)"}
			in.Policy.Spec.Target.Kind, in.Max = "StatefulSet", 1
			zero := int32(0)
			in.Policy.Spec.CooldownSeconds, in.Policy.Spec.StabilizationSeconds = &zero, &zero
		}),
	}
	for _, kind := range []inference.Kind{inference.VLLM, inference.TGI, inference.SGLang, inference.Triton, inference.TensorRTLLM, inference.NIM, inference.LMDeploy, inference.LlamaCpp, inference.TEI} {
		name := strings.ReplaceAll(strings.ToLower(string(kind)), ".", "")
		all[name] = input(name, kind, nil)
	}
	return all
}

// The ScaledObject of each server, and of all that a policy can say.
func TestMake_Golden(t *testing.T) {
	t.Parallel()
	for name, in := range inputs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := scaledobject.Make(in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := yaml.Marshal(made)
			if err != nil {
				t.Fatal(err)
			}
			page := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(page, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(page)
			if diff := cmp.Diff(string(want), string(got)); err != nil || diff != "" {
				t.Errorf("go test ./scaler/scaledobject -update writes it (-want +got):\n%s%v", diff, err)
			}
		})
	}
}

// What KEDA's webhook asks of names, and what makes a fallback work.
func TestMake_KeepsKEDAsRules(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	if a, b := scaledobject.Name(long), scaledobject.Name(long[:62]+"b"); len("keda-hpa-"+a) > 63 || a == b || scaledobject.Name("llama") != "llama" {
		t.Errorf("%s and %s", a, b)
	}
	for name, in := range inputs() {
		made, err := scaledobject.Make(in)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, trigger := range made.Spec.Triggers {
			if seen[trigger.Name] {
				t.Errorf("%s: two triggers have the name %s", name, trigger.Name)
			}
			seen[trigger.Name] = true
			if trigger.Type == "prometheus" && (trigger.MetricType != "AverageValue" || trigger.Metadata["ignoreNullValues"] == "") {
				t.Errorf("%s: trigger %s is %+v", name, trigger.Name, trigger)
			}
		}
		if f := made.Spec.Fallback; f.Replicas < 1 || f.Replicas > made.Spec.MaxReplicaCount || made.Spec.Triggers[0].Metadata["ignoreNullValues"] != "false" {
			t.Errorf("%s: fallback %+v", name, f)
		}
	}
	if _, err := scaledobject.Make(input("ollama", inference.Ollama, nil)); err == nil {
		t.Error("Ollama tells nothing of its requests, and has a ScaledObject")
	}
}

// A pod that waited ten hours for a place makes no floor begin ten hours early, and nothing stay awake for twenty.
func TestMake_TakesNoStartForHours(t *testing.T) {
	t.Parallel()
	var seen []coldstart.Seen
	for i, waited := range []time.Duration{time.Second, time.Second, 10 * time.Hour} {
		made := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
		placed := metav1.NewTime(made.Add(waited))
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("p", i), CreationTimestamp: metav1.NewTime(made)}}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: placed}}}}
		for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodReady} {
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: placed})
		}
		seen = append(seen, coldstart.Seen{Pod: pod})
	}
	slow := coldstart.Slow(coldstart.Add(nil, seen))
	if slow != 36_000 {
		t.Fatalf("a slow start takes %d s", slow)
	}
	made, err := scaledobject.Make(input("held", inference.VLLM, func(in *scaledobject.Input) {
		in.Slow = slow
		in.Policy.Spec.Floors = []v1alpha1.Floor{{Name: "business", Start: "0 20 * * *", End: "0 23 * * *", Replicas: 2}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if s := made.Spec; s.CooldownPeriod != 7200 || s.InitialCooldownPeriod != 7200 || s.Triggers[1].Metadata["start"] != "0 19 * * *" {
		t.Errorf("it sleeps after %d s, %d at first, and the floor is %v", s.CooldownPeriod, s.InitialCooldownPeriod, s.Triggers[1].Metadata)
	}
}
