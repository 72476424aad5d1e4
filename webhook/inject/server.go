// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Server is the kind of an inference server.
type Server string

// The servers that are known.
const (
	VLLM        Server = "vLLM"
	TGI         Server = "TGI"
	SGLang      Server = "SGLang"
	Triton      Server = "Triton"
	TensorRTLLM Server = "TensorRT-LLM"
	NIM         Server = "NIM"
	LMDeploy    Server = "LMDeploy"
	LlamaCpp    Server = "llama.cpp"
	TEI         Server = "TEI"
	Ollama      Server = "Ollama"
)

// dialect is how one kind of server is started and asked.
type dialect struct {
	server   Server
	images   []string // parts of an image's name that tell it
	commands []string // words of a command that tell it
	health   string   // path that answers 200 when it serves, as far as HTTP can tell
	port     int32    // where it listens if nobody says otherwise
	ports    []string // flags that say otherwise
	portVar  string   // a variable that says otherwise
	tensor   []string // flags of how many GPUs share each layer
	pipeline []string // flags of how many share the layers
	allGPUs  bool     // it spreads over all GPUs that it has, without being told
	hub      bool     // it loads through the Hugging Face hub's library
	lazy     bool     // it loads when it is asked for the first time, for which it must be Ready
}

// dialects, the more telling first. Sources of ports and paths: the servers' own documentation.
var dialects = []dialect{
	{server: TEI, images: []string{"text-embeddings-inference"}, commands: []string{"text-embeddings-router"}, health: "/health", port: 80,
		ports: []string{"--port", "-p"}, portVar: "PORT", hub: true},
	{server: TGI, images: []string{"text-generation-inference"}, commands: []string{"text-generation-launcher"}, health: "/health", port: 80,
		ports: []string{"--port", "-p"}, portVar: "PORT", tensor: []string{"--num-shard"}, hub: true},
	{server: TensorRTLLM, images: []string{"tensorrt-llm", "tensorrtllm"}, commands: []string{"trtllm-serve"}, health: "/health", port: 8000,
		ports: []string{"--port"}, tensor: []string{"--tp_size"}, pipeline: []string{"--pp_size"}, hub: true},
	{server: Triton, images: []string{"tritonserver"}, commands: []string{"tritonserver"}, health: "/v2/health/ready", port: 8000, ports: []string{"--http-port"}},
	{server: SGLang, images: []string{"sglang"}, commands: []string{"sglang", "sglang.launch_server", "sglang_router"}, health: "/health", port: 30000,
		ports: []string{"--port"}, tensor: []string{"--tp", "--tp-size", "--tensor-parallel-size"}, pipeline: []string{"--pp-size", "--pipeline-parallel-size"}, hub: true},
	{server: LMDeploy, images: []string{"lmdeploy"}, commands: []string{"lmdeploy"}, health: "/health", port: 23333, ports: []string{"--server-port"}, tensor: []string{"--tp"}, hub: true},
	{server: LlamaCpp, images: []string{"llama.cpp", "llama-cpp"}, commands: []string{"llama-server"}, health: "/health", port: 8080, ports: []string{"--port"},
		portVar: "LLAMA_ARG_PORT", allGPUs: true},
	{server: Ollama, images: []string{"ollama"}, commands: []string{"ollama"}, health: "/", port: 11434, allGPUs: true, lazy: true},
	{server: NIM, images: []string{"nvcr.io/nim/"}, health: "/v1/health/ready", port: 8000, portVar: "NIM_HTTP_API_PORT", allGPUs: true},
	{server: VLLM, images: []string{"vllm"}, commands: []string{"vllm", "vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server"}, health: "/health", port: 8000,
		ports: []string{"--port"}, tensor: []string{"--tensor-parallel-size", "-tp"}, pipeline: []string{"--pipeline-parallel-size", "-pp"}, hub: true},
}

func parseServer(value string) (Server, error) {
	var known []string
	for i := range dialects {
		if string(dialects[i].server) == value {
			return dialects[i].server, nil
		}
		known = append(known, string(dialects[i].server))
	}
	slices.Sort(known)
	return "", fmt.Errorf("%q: want one of %s", clip(value), strings.Join(known, ", "))
}

// recognize tells a container's server: the one that was named, else by its command, else by its image. It is nil for others.
func recognize(c *corev1.Container, named Server) *dialect {
	words := arguments(c)
	for _, is := range []func(*dialect) bool{
		func(d *dialect) bool { return d.server == named },
		func(d *dialect) bool {
			return named == "" && slices.ContainsFunc(words, func(w string) bool { return slices.Contains(d.commands, path.Base(w)) })
		},
		func(d *dialect) bool {
			return named == "" && slices.ContainsFunc(d.images, func(part string) bool { return strings.Contains(repository(c.Image), part) })
		},
	} {
		if i := slices.IndexFunc(dialects, func(d dialect) bool { return is(&d) }); i >= 0 {
			return &dialects[i]
		}
	}
	return nil
}

// repository is an image's name without tag and digest, in lower case.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return strings.ToLower(image)
}

// listens is the port of a container's server.
func (d *dialect) listens(c *corev1.Container) int32 {
	const highest = 65535
	words := arguments(c)
	if n := number(words, highest, d.ports...); n > 0 {
		return int32(n)
	}
	if d.portVar != "" {
		if n := number([]string{"port=" + environment(c, d.portVar)}, highest, "port"); n > 0 {
			return int32(n)
		}
	}
	return d.port
}
