// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inference

// Kind is the name of an inference server.
type Kind string

// The servers that are known.
const (
	VLLM        Kind = "vLLM"
	TGI         Kind = "TGI"
	SGLang      Kind = "SGLang"
	Triton      Kind = "Triton"
	TensorRTLLM Kind = "TensorRT-LLM"
	NIM         Kind = "NIM"
	LMDeploy    Kind = "LMDeploy"
	LlamaCpp    Kind = "llama.cpp"
	TEI         Kind = "TEI"
	Ollama      Kind = "Ollama"
)

// Server is how one kind of server is started and asked.
type Server struct {
	Kind   Kind
	Health string // path that answers 200 when it serves, as far as HTTP can tell
	Hub    bool   // it loads through the Hugging Face hub's library
	Lazy   bool   // it loads when it is asked for the first time

	images   []string // parts of an image's name that tell it
	commands []string // words of a command that tell it
	port     int32    // where it listens if nobody says otherwise
	ports    []string // flags that say otherwise
	portVar  string   // a variable that says otherwise, as 8000 or 0.0.0.0:8000
	tensor   []string // flags of how many GPUs share each layer
	pipeline []string // flags of how many share the layers
	allGPUs  bool     // it spreads over all GPUs that it has, without being told
	slots    []string // flags of how many requests it works on at a time
}

// servers, the more telling first.
var servers = []Server{
	{Kind: TEI, images: []string{"text-embeddings-inference"}, commands: []string{"text-embeddings-router"}, Health: "/health", port: 80,
		ports: []string{"--port", "-p"}, portVar: "PORT", Hub: true},
	{Kind: TGI, images: []string{"text-generation-inference"}, commands: []string{"text-generation-launcher"}, Health: "/health", port: 80,
		ports: []string{"--port", "-p"}, portVar: "PORT", tensor: []string{"--num-shard"}, Hub: true, slots: []string{"--max-batch-size"}},
	{Kind: TensorRTLLM, images: []string{"tensorrt-llm", "tensorrtllm"}, commands: []string{"trtllm-serve"}, Health: "/health", port: 8000,
		ports: []string{"--port"}, tensor: []string{"--tp_size"}, pipeline: []string{"--pp_size"}, Hub: true, slots: []string{"--max_batch_size"}},
	{Kind: Triton, images: []string{"tritonserver"}, commands: []string{"tritonserver"}, Health: "/v2/health/ready", port: 8000, ports: []string{"--http-port"}},
	{Kind: SGLang, images: []string{"sglang"}, commands: []string{"sglang", "sglang.launch_server", "sglang_router"}, Health: "/health", port: 30000,
		ports: []string{"--port"}, tensor: []string{"--tp", "--tp-size", "--tensor-parallel-size"}, pipeline: []string{"--pp-size", "--pipeline-parallel-size"}, Hub: true, slots: []string{"--max-running-requests"}},
	{Kind: LMDeploy, images: []string{"lmdeploy"}, commands: []string{"lmdeploy"}, Health: "/health", port: 23333, ports: []string{"--server-port"}, tensor: []string{"--tp"}, Hub: true, slots: []string{"--max-batch-size"}},
	{Kind: LlamaCpp, images: []string{"llama.cpp", "llama-cpp"}, commands: []string{"llama-server"}, Health: "/health", port: 8080, ports: []string{"--port"},
		portVar: "LLAMA_ARG_PORT", allGPUs: true, slots: []string{"--parallel", "-np"}},
	{Kind: Ollama, images: []string{"ollama"}, commands: []string{"ollama"}, Health: "/", port: 11434, portVar: "OLLAMA_HOST", allGPUs: true, Lazy: true},
	{Kind: NIM, images: []string{"nvcr.io/nim/"}, Health: "/v1/health/ready", port: 8000, portVar: "NIM_HTTP_API_PORT", allGPUs: true},
	{Kind: VLLM, images: []string{"vllm"}, commands: []string{"vllm", "vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server"}, Health: "/health", port: 8000,
		ports: []string{"--port"}, tensor: []string{"--tensor-parallel-size", "-tp"}, pipeline: []string{"--pipeline-parallel-size", "-pp"}, Hub: true, slots: []string{"--max-num-seqs"}},
}
