// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inference_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/inference"
)

// Only a server that loads when it is asked is asked, and a hostile name stays a string.
func TestLoadRequest(t *testing.T) {
	t.Parallel()
	path, body, ok := inference.LoadRequest(inference.Ollama, `a","prompt":"b`)
	if want := `{"keep_alive":-1,"model":"a\",\"prompt\":\"b"}`; !ok || path != "/api/generate" || string(body) != want {
		t.Errorf("POST %s %s, %v", path, body, ok)
	}
	for _, kind := range []inference.Kind{inference.VLLM, "", "other"} {
		if path, _, ok := inference.LoadRequest(kind, "a"); ok {
			t.Errorf("%s is asked at %s", kind, path)
		}
	}
}

// VRAM falls under a server that unloads what nobody asks for, unless it was told not to; under all others it does not.
func TestKeepsVRAM(t *testing.T) {
	t.Parallel()
	for image, keeps := range map[string]string{"vllm/vllm-openai": "--gpu-memory-utilization", "lmsysorg/sglang": "--mem-fraction-static", "ghcr.io/huggingface/text-generation-inference": "--cuda-memory-fraction",
		"nvcr.io/nvidia/tensorrt-llm/release": "free_gpu_memory_fraction", "nvcr.io/nim/meta/llama3": "KV cache", "openmmlab/lmdeploy": "--cache-max-entry-count", "ghcr.io/ggml-org/llama.cpp": "--ctx-size",
		"ghcr.io/huggingface/text-embeddings-inference": "warmed up", "nvcr.io/nvidia/tritonserver": "arenas", "ollama/ollama": ""} {
		c := &corev1.Container{Image: image}
		if got := inference.Recognize(c, "").KeepsVRAM(c, false); (got == "") != (keeps == "") || !strings.Contains(got, keeps) {
			t.Errorf("%s: %q, want %q", image, got, keeps)
		}
	}
	ollama := &corev1.Container{Image: "ollama/ollama", Env: []corev1.EnvVar{{Name: "OLLAMA_KEEP_ALIVE", Value: "10m"}}}
	if got := inference.Recognize(ollama, "").KeepsVRAM(ollama, true); !strings.Contains(got, "asked to load") {
		t.Errorf("asked to load, it keeps: %q", got)
	}
	ollama.Env[0].Value = "-1"
	if got := inference.Recognize(ollama, "").KeepsVRAM(ollama, false); !strings.Contains(got, "OLLAMA_KEEP_ALIVE=-1") {
		t.Errorf("told to keep, it keeps: %q", got)
	}
}
