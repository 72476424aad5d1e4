// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/webhook/inject"
)

// Each server is told by its image or its command, asked where it answers, and its weights are spread as its arguments say.
func TestPod_KnowsServers(t *testing.T) {
	t.Parallel()
	for container, want := range map[string]string{
		"image: vllm/vllm-openai": "/health 8000 140",
		"image: 'registry:5000/mirror/vllm-openai@sha256:00', args: [--port=8001, -tp, '8']":                                   "/health 8001 17",
		"image: ours, command: [python3, -m, vllm.entrypoints.openai.api_server], args: [-tp=2, -pp=2]":                        "/health 8000 35",
		"image: ours, command: [/usr/local/bin/vllm, serve, /models/llama], args: [--tensor-parallel-size=2, --dtype=float32]": "/health 8000 140",
		"image: 'ghcr.io/huggingface/text-generation-inference:3.3', args: [--num-shard, '4']":                                 "/health 80 35",
		"image: ours, command: [text-generation-launcher], env: [{name: NUM_SHARD, value: '2'}, {name: PORT, value: '3000'}]":  "/health 3000 70",
		"image: 'ghcr.io/huggingface/text-embeddings-inference:1.9'":                                                           "/health 80 140",
		"image: lmsysorg/sglang, args: [--tp, '2']":                                                                            "/health 30000 70",
		"image: ours, command: [python, -m, sglang.launch_server, --tp-size=4, --port, '1']":                                   "/health 1 35",
		"image: nvcr.io/nvidia/tritonserver, args: [--http-port=9000]":                                                         "/v2/health/ready 9000 140",
		"image: nvcr.io/nvidia/tensorrt-llm/release, command: [trtllm-serve], args: [--tp_size, '2', --pp_size, '2']":          "/health 8000 35",
		"image: 'nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8', resources: {limits: {nvidia.com/gpu: 2}}":                        "/v1/health/ready 8000 70",
		"image: openmmlab/lmdeploy, args: [lmdeploy, serve, api_server, --tp, '2', --server-port, '5']":                        "/health 5 70",
		"image: 'ghcr.io/ggml-org/llama.cpp:server-cuda', resources: {limits: {nvidia.com/gpu: 4}}":                            "/health 8080 35",
		"image: ours, command: [sh, -c, 'llama-server --port 8081 -m $HOIST_MODEL_PATH/m.gguf']":                               "/health 8081 140",
		"image: ollama/ollama": "/ 11434 140",
		"image: ollama/ollama, env: [{name: OLLAMA_HOST, value: '0.0.0.0:8000'}]": "/ 8000 140",
		"image: ollama/ollama, env: [{name: OLLAMA_HOST, value: 'example.com'}]":  "/ 11434 140",
		"image: vllm/vllm-openai, args: [--port=99999, -tp, '-4']":                "/health 8000 140",
		"image: vllm/vllm-openai, args: [--port, $(PORT), -tp]":                   "/health 8000 140",
	} {
		pod := served(t, "hoist.dev/model: llama, hoist.dev/readiness: VRAM", container)
		after, _ := inject.Pod(pod, "team-a", known("llama"))
		c := after.Spec.Containers[0]
		if c.ReadinessProbe == nil || c.StartupProbe != nil {
			t.Errorf("%s: readiness %v, startup %v", container, c.ReadinessProbe, c.StartupProbe)
			continue
		}
		ask := c.ReadinessProbe.HTTPGet
		weights := after.Spec.Volumes[0].CSI.VolumeAttributes["weightsPerGPU"]
		if got := fmt.Sprintf("%s %d %s", ask.Path, ask.Port.IntVal, weights[:max(0, len(weights)-9)]); got != want {
			t.Errorf("%s\n  got  %s\n  want %s", container, got, want)
		}
	}
	for _, other := range []string{"image: nginx", "image: registry/team/vllm-dashboards/ui, command: [sleep]", "image: ours, command: [sh, -c, 'echo hi']"} {
		pod := served(t, "hoist.dev/model: llama", other)
		if after, _ := inject.Pod(pod, "team-a", inject.Facts{}); after.Spec.Containers[0].ReadinessProbe != nil && other != "image: registry/team/vllm-dashboards/ui, command: [sleep]" {
			t.Errorf("%s has a server", other)
		}
	}
}

// A server gets time to load before its liveness probe counts, and is asked as its author asks it. Where nothing would end it, it gets no startup probe.
func TestPod_LoadsBeforeALivenessProbeCounts(t *testing.T) {
	t.Parallel()
	const alive, ready = "livenessProbe: {tcpSocket: {port: 9000}}", "readinessProbe: {exec: {command: [ask]}}"
	for probes, want := range map[string]struct {
		period int32
		asks   func(corev1.ProbeHandler) bool
	}{
		alive:                {1, func(h corev1.ProbeHandler) bool { return h.TCPSocket != nil }},
		alive + ", " + ready: {5, func(h corev1.ProbeHandler) bool { return h.Exec != nil }},
		ready:                {},
		alive + ", startupProbe: {httpGet: {path: /mine, port: 1}, periodSeconds: 7, failureThreshold: 900}": {7, func(h corev1.ProbeHandler) bool { return h.HTTPGet.Path == "/mine" }},
	} {
		pod := served(t, "hoist.dev/model: llama", "image: vllm/vllm-openai, "+probes)
		after, _ := inject.Pod(pod, "team-a", known("llama"))
		p := after.Spec.Containers[0].StartupProbe
		switch {
		case want.asks == nil && p != nil, want.asks != nil && p == nil:
			t.Errorf("%s: the startup probe is %v", probes, p)
		case p != nil && (p.PeriodSeconds != want.period || !want.asks(p.ProbeHandler) || int64(p.PeriodSeconds)*int64(p.FailureThreshold) < 1944):
			t.Errorf("%s: the startup probe is %+v", probes, p)
		}
	}
}

// A server that loads when it is asked has a gate only where somebody is told to ask it; nobody waits for what never happens.
func TestPod_WaitsForLazyServersThatAreAsked(t *testing.T) {
	t.Parallel()
	const gpu, named = "image: ollama/ollama, resources: {limits: {nvidia.com/gpu: 1}}", ", hoist.dev/served-model: 'llama3.2:3b'"
	for _, row := range []struct {
		name, annotations string
		hostNetwork       bool
		gate              bool
		warning           string
	}{
		{"nobody asks", "", false, false, "loads a model when it is asked"},
		{"somebody asks", named, false, true, ""},
		{"somebody else asks", ", hoist.dev/readiness: VRAM", false, true, "loads a model when it is asked"},
		{"nobody can ask", named, true, false, "on the network of its node"},
		{"no name", ", hoist.dev/served-model: '-x y'", false, false, "want the name that requests give the model"},
	} {
		pod := served(t, "hoist.dev/model: llama"+row.annotations, gpu)
		pod.Spec.HostNetwork = row.hostNetwork
		after, warnings := inject.Pod(pod, "team-a", known("llama"))
		said := strings.Join(warnings, "; ")
		if got := len(after.Spec.ReadinessGates) == 1; got != row.gate || row.warning != "" && !strings.Contains(said, row.warning) {
			t.Errorf("%s: gate %v, warnings %s", row.name, got, said)
		}
	}
}
