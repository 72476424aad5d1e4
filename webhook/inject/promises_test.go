// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/webhook/inject"
)

func pick[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

// drawPod is any pod that asks for a model, with much of what pods have.
func drawPod(t *rapid.T) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: map[string]string{"hoist.dev/model": pick(t, "model", "llama", "shared/llama")}}}
	for annotation, values := range map[string][]string{
		"hoist.dev/mount-path":      {"/models", "/data/llama", "/models/other"},
		"hoist.dev/containers":      {"c0", "c0,i0", "c1"},
		"hoist.dev/mode":            {"Wait", "Stream"},
		"hoist.dev/server":          {"vLLM", "Ollama", "Triton"},
		"hoist.dev/readiness":       {"VRAM", "Continuous", "HTTP", "Off"},
		"hoist.dev/vram-per-gpu":    {"0", "40Gi"},
		"hoist.dev/weights-per-gpu": {"1e9"},
		"example.com/other":         {"x"},
	} {
		if rapid.IntRange(0, 3).Draw(t, "has "+annotation) == 0 {
			pod.Annotations[annotation] = pick(t, annotation, values...)
		}
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "containers") {
		pod.Spec.Containers = append(pod.Spec.Containers, drawContainer(t, fmt.Sprintf("c%d", i)))
	}
	if rapid.Bool().Draw(t, "init") {
		pod.Spec.InitContainers = []corev1.Container{drawContainer(t, "i0")}
	}
	if rapid.Bool().Draw(t, "volumes") {
		pod.Spec.Volumes = []corev1.Volume{{Name: pick(t, "volume", "data", "hoist-model"), VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	}
	if rapid.IntRange(0, 3).Draw(t, "host") == 0 {
		pod.Spec.HostNetwork = true
	}
	pod.Spec.Affinity = pick(t, "affinity", nil, &corev1.Affinity{}, &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"a"}}}}, {}}}}})
	pod.Spec.ReadinessGates = pick(t, "gates", nil, []corev1.PodReadinessGate{{ConditionType: "example.com/lb"}})
	return pod
}

func drawContainer(t *rapid.T, name string) corev1.Container {
	c := corev1.Container{Name: name, Image: pick(t, "image", "vllm/vllm-openai:v1", "ollama/ollama", "busybox", "nvcr.io/nim/meta/llama", "")}
	c.Args = pick(t, "args", nil, []string{"--model=/models/llama", "--tensor-parallel-size=2"}, []string{"serve", "--port", "x"})
	if rapid.Bool().Draw(t, "gpu") {
		c.Resources.Limits = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse(pick(t, "gpus", "1", "4"))}
	}
	if rapid.Bool().Draw(t, "restricted") {
		c.SecurityContext = &corev1.SecurityContext{RunAsNonRoot: new(true), AllowPrivilegeEscalation: new(false),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(1)}}}
	c.ReadinessProbe, c.LivenessProbe, c.StartupProbe = pick(t, "readiness", nil, probe), pick(t, "liveness", nil, probe), pick(t, "startup", nil, probe)
	c.Env = pick(t, "env", nil, []corev1.EnvVar{{Name: "HF_HUB_OFFLINE", Value: "0"}}, []corev1.EnvVar{{Name: "HOIST_MODEL_PATH", Value: "/mine"}})
	c.VolumeMounts = pick(t, "mounts", nil, nil, []corev1.VolumeMount{{Name: "data", MountPath: "/models/llama"}}, []corev1.VolumeMount{{Name: "hoist-model", MountPath: "/elsewhere"}})
	return c
}

func drawFacts(t *rapid.T) inject.Facts {
	return pick(t, "facts", inject.Facts{}, inject.Facts{MemoryLabels: true}, known("llama"))
}

// H1: a pod that was injected comes out as it went in.
func TestPod_IsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		once, _ := inject.Pod(drawPod(t), "team-a", facts)
		if twice, _ := inject.Pod(once, "team-a", facts); !equality.Semantic.DeepEqual(once, twice) {
			t.Fatalf("once\n%s\ntwice\n%s", asJSON(once), asJSON(twice))
		}
	})
}

// H1: what the author wrote stays, byte for byte: all that happens is that something is added.
func TestPod_AddsAndNeverChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := drawPod(t)
		was := asJSON(before)
		after, warnings := inject.Pod(before, "team-a", drawFacts(t))
		if asJSON(before) != was {
			t.Fatal("the pod that was given is changed")
		}
		operations, err := jsonpatch.CreatePatch([]byte(was), []byte(asJSON(after)))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range operations {
			if o.Operation != "add" {
				t.Fatalf("%s %s of\n%s", o.Operation, o.Path, was)
			}
		}
		if len(operations) == 0 && len(warnings) == 0 {
			t.Fatalf("nothing is done, and nothing is said about\n%s", was)
		}
	})
}

// A term that matches no node, as an empty one does, must not begin to match some.
func TestPod_WidensNoAffinity(t *testing.T) {
	t.Parallel()
	pod := served(t, "hoist.dev/model: llama", "image: vllm/vllm-openai, resources: {limits: {nvidia.com/gpu: 1}}")
	pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{}}}}}
	after, _ := inject.Pod(pod, "team-a", known("llama"))
	if terms := after.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms; len(terms) != 1 || len(terms[0].MatchExpressions) != 0 {
		t.Errorf("it is %+v", terms)
	}
}

// H3: Pod Security admits what it has admitted before, on every level.
func TestPod_StaysAsRestrictedAsItWas(t *testing.T) {
	t.Parallel()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	allowed := 0
	rapid.Check(t, func(t *rapid.T) {
		before := drawPod(t)
		after, _ := inject.Pod(before, "team-a", drawFacts(t))
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			admits := func(pod *corev1.Pod) bool {
				return policy.AggregateCheckResults(evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec)).Allowed
			}
			if !admits(before) {
				continue
			}
			allowed++
			if !admits(after) {
				t.Fatalf("%s does not admit\n%s\nany more:\n%s", level, asJSON(before), asJSON(after))
			}
		}
	})
	if allowed == 0 {
		t.Error("no pod was admitted before: nothing is proved")
	}
}

func asJSON(pod *corev1.Pod) string {
	text, err := json.Marshal(pod)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// H4: annotations are data. Each of these is refused in words, and the pod stays as it is.
func TestPod_RefusesHostileAnnotations(t *testing.T) {
	t.Parallel()
	const model, path = "hoist.dev/model", "hoist.dev/mount-path"
	for _, hostile := range [][2]string{
		{model, "s3://bucket/model"}, {model, "../llama"}, {model, "a/b/c"}, {model, "/llama"}, {model, "llama/"}, {model, "Llama"}, {model, "llama 3"},
		{model, "llama\nx: y"}, {model, strings.Repeat("a", 64)}, {model, strings.Repeat("a", 1<<16)}, {model, "llama\x00"}, {model, "-llama"}, {model, "llamä"}, {model, "team.a/llama"},
		{path, ""}, {path, "models"}, {path, "/"}, {path, "//models"}, {path, "/models/"}, {path, "/models/../etc"}, {path, "/etc"}, {path, "/etc/ssl"}, {path, "/proc/1/root"}, {path, "/dev/shm"},
		{path, "/var/run/secrets/kubernetes.io/serviceaccount"}, {path, "/run"}, {path, "/sys/fs/cgroup"}, {path, "/usr/bin"}, {path, "/var"}, {path, "/models:ro"}, {path, "/models,rw"},
		{path, "/models\x00"}, {path, "/mo dels"}, {path, "/$(HOME)"}, {path, "/`id`"}, {path, "/" + strings.Repeat("a", 300)}, {path, "/mödels"},
		{"hoist.dev/containers", "server;rm"}, {"hoist.dev/containers", ""}, {"hoist.dev/containers", "nobody"}, {"hoist.dev/mode", "stream"}, {"hoist.dev/server", "vllm"},
		{"hoist.dev/readiness", "yes"}, {"hoist.dev/vram-per-gpu", "-1Gi"}, {"hoist.dev/vram-per-gpu", "a lot"}, {"hoist.dev/vram-per-gpu", "9e99"}, {"hoist.dev/weights-per-gpu", "Infinity"},
	} {
		pod := served(t, "", "image: vllm/vllm-openai")
		pod.Annotations = map[string]string{model: "llama", hostile[0]: hostile[1]}
		after, warnings := inject.Pod(pod, "team-a", known("llama"))
		if after != pod || len(warnings) != 1 || !strings.Contains(warnings[0], hostile[0]) || len(warnings[0]) > 400 || strings.ContainsAny(warnings[0], "\n\x00") {
			t.Errorf("%.80q: warnings %.500q, changed %v", hostile, warnings, after != pod)
		}
	}
}

func FuzzPod(f *testing.F) {
	f.Add("llama", "/models", "c0", "VRAM", "40Gi", "serve --port 1")
	f.Add("a/b", "/data/x", "", "Off", "1e3", "-tp=0x2")
	f.Fuzz(func(t *testing.T, model, path, containers, readiness, vram, words string) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"hoist.dev/model": model, "hoist.dev/mount-path": path,
			"hoist.dev/containers": containers, "hoist.dev/readiness": readiness, "hoist.dev/vram-per-gpu": vram}},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c0", Image: model, Command: []string{"sh", "-c"}, Args: strings.Split(words, "\n")}}}}
		facts := known("llama")
		once, _ := inject.Pod(pod, "team-a", facts)
		if twice, _ := inject.Pod(once, "team-a", facts); !equality.Semantic.DeepEqual(once, twice) {
			t.Fatalf("once\n%s\ntwice\n%s", asJSON(once), asJSON(twice))
		}
	})
}
