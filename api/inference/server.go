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
	Keeps  string // why the VRAM that it uses does not fall while it runs, as the end of a sentence; "" where it does

	images   []string // parts of an image's name that tell it
	commands []string // words of a command that tell it
	port     int32    // where it listens if nobody says otherwise
	ports    []string // flags that say otherwise
	portVar  string   // a variable that says otherwise, as 8000 or 0.0.0.0:8000
	tensor   []string // flags of how many GPUs share each layer
	pipeline []string // flags of how many share the layers
	forever  string   // a variable that has it keep its models, if it is negative
	allGPUs  bool     // it spreads over all GPUs that it has, without being told
	slots    []string // flags of how many requests it works on at a time
}

// servers, the more telling first. Of Triton's backends that keep memory: triton-inference-server/server#7594, onnxruntime_backend#198.
var servers = []Server{
	{Kind: TEI, images: []string{"text-embeddings-inference"}, commands: []string{"text-embeddings-router"}, Health: "/health", port: 80,
		ports: []string{"--port", "-p"}, portVar: "PORT", Hub: true,
		Keeps: "it has loaded its weights and warmed up with its biggest batch when it is ready, and keeps both"},
	{Kind: TGI, images: []string{"text-generation-inference"}, commands: []string{"text-generation-launcher"}, Health: "/health", port: 80,
		ports: []string{"--port", "-p"}, portVar: "PORT", tensor: []string{"--num-shard"}, Hub: true, slots: []string{"--max-batch-size"},
		Keeps: "it takes what --cuda-memory-fraction gives it for its KV cache when it starts"},
	{Kind: TensorRTLLM, images: []string{"tensorrt-llm", "tensorrtllm"}, commands: []string{"trtllm-serve"}, Health: "/health", port: 8000,
		ports: []string{"--port"}, tensor: []string{"--tp_size"}, pipeline: []string{"--pp_size"}, Hub: true, slots: []string{"--max_batch_size"},
		Keeps: "it takes free_gpu_memory_fraction of what is free for its KV cache when it starts"},
	{Kind: Triton, images: []string{"tritonserver"}, commands: []string{"tritonserver"}, Health: "/v2/health/ready", port: 8000, ports: []string{"--http-port"},
		Keeps: "its backends keep what they once took, in arenas of their own"},
	{Kind: SGLang, images: []string{"sglang"}, commands: []string{"sglang", "sglang.launch_server", "sglang_router"}, Health: "/health", port: 30000,
		ports: []string{"--port"}, tensor: []string{"--tp", "--tp-size", "--tensor-parallel-size"}, pipeline: []string{"--pp-size", "--pipeline-parallel-size"}, Hub: true, slots: []string{"--max-running-requests"},
		Keeps: "it takes --mem-fraction-static of each GPU when it starts"},
	{Kind: LMDeploy, images: []string{"lmdeploy"}, commands: []string{"lmdeploy"}, Health: "/health", port: 23333, ports: []string{"--server-port"}, tensor: []string{"--tp"}, Hub: true, slots: []string{"--max-batch-size"},
		Keeps: "it takes --cache-max-entry-count of what is free for its KV cache when it starts"},
	{Kind: LlamaCpp, images: []string{"llama.cpp", "llama-cpp"}, commands: []string{"llama-server"}, Health: "/health", port: 8080, ports: []string{"--port"},
		portVar: "LLAMA_ARG_PORT", allGPUs: true, slots: []string{"--parallel", "-np"}, Keeps: "it takes the KV cache of its whole --ctx-size when it starts"},
	{Kind: Ollama, images: []string{"ollama"}, commands: []string{"ollama"}, Health: "/", port: 11434, portVar: "OLLAMA_HOST", allGPUs: true, Lazy: true, forever: "OLLAMA_KEEP_ALIVE"},
	{Kind: NIM, images: []string{"nvcr.io/nim/"}, Health: "/v1/health/ready", port: 8000, portVar: "NIM_HTTP_API_PORT", allGPUs: true,
		Keeps: "its engine takes nearly all of each GPU for its KV cache when it starts"},
	{Kind: VLLM, images: []string{"vllm"}, commands: []string{"vllm", "vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server"}, Health: "/health", port: 8000,
		ports: []string{"--port"}, tensor: []string{"--tensor-parallel-size", "-tp"}, pipeline: []string{"--pipeline-parallel-size", "-pp"}, Hub: true, slots: []string{"--max-num-seqs"},
		Keeps: "it takes --gpu-memory-utilization of each GPU when it starts"},
}
