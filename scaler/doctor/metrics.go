// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"maps"
	"slices"
	"strings"
)

// never are metrics that were written into many manifests and that no server has, and what they have instead.
var never = map[string]string{
	"tgi_request_queue_size":      "tgi_queue_size",
	"tgi_queue_length":            "tgi_queue_size",
	"tgi_batch_size":              "tgi_batch_current_size",
	"vllm_num_requests_waiting":   "vllm:num_requests_waiting",
	"vllm_num_requests_running":   "vllm:num_requests_running",
	"vllm:request_queue_size":     "vllm:num_requests_waiting",
	"vllm:gpu_cache_usage_perc":   "vllm:kv_cache_usage_perc",
	"vllm:num_requests_swapped":   "vllm:num_requests_waiting",
	"sglang:num_requests_waiting": "sglang:num_queue_reqs",
	"sglang:num_requests_running": "sglang:num_running_reqs",
	"sglang:queue_size":           "sglang:num_queue_reqs",
	"triton_queue_size":           "nv_inference_pending_request_count",
	"llamacpp:requests_queued":    "llamacpp:requests_deferred",
}

// signal is what a server's metric says.
type signal struct{ server, running string } // running is the metric that has to be beside it

// waiting are the metrics of requests that wait alone.
var waiting = map[string]signal{
	"tgi_queue_size":                     {"TGI", "tgi_batch_current_size"},
	"vllm:num_requests_waiting":          {"vLLM", "vllm:num_requests_running"},
	"sglang:num_queue_reqs":              {"SGLang", "sglang:num_running_reqs"},
	"trtllm_num_requests_waiting":        {"TensorRT-LLM", "trtllm_num_requests_running"},
	"num_requests_waiting":               {"NIM", "num_requests_running"},
	"lmdeploy:num_requests_waiting":      {"LMDeploy", "lmdeploy:num_requests_running"},
	"llamacpp:requests_deferred":         {"llama.cpp", "llamacpp:requests_processing"},
	"nv_inference_pending_request_count": {"Triton", ""},
	"te_queue_size":                      {"TEI", ""},
}

// meant is the metric that a name that no server has stands for.
func meant(name string) (string, bool) {
	if right, ok := never[name]; ok {
		return right, true
	}
	return "", false
}

// inPods reports whether a metric comes of an inference server itself, which says nothing while there is none.
func inPods(name string) bool {
	if right, wrong := meant(name); wrong {
		name = right
	}
	return family(name) != ""
}

// family is what the metrics of a server begin with, or "" of those of none.
func family(name string) string {
	for _, prefix := range []string{"vllm:", "tgi_", "sglang:", "trtllm_", "lmdeploy:", "llamacpp:", "te_", "nv_inference_", "nv_trt_llm_", "num_requests_", "DCGM_"} {
		if strings.HasPrefix(name, prefix) {
			return prefix
		}
	}
	return ""
}

// nearest is a known metric of which a name is a slip of the pen, or "".
func nearest(name string) (best string) {
	const most = 3 // letters
	least := most + 1
	known := slices.Collect(maps.Keys(waiting))
	for _, s := range waiting {
		if s.running != "" {
			known = append(known, s.running)
		}
	}
	slices.Sort(known)
	for _, other := range known {
		if name == other {
			return ""
		}
		if len(name) > len(other)+most {
			continue
		}
		if d := distance(name, other); d > 0 && d < least {
			best, least = other, d
		}
	}
	return best
}

// distance is how many letters are put in, left out or changed.
func distance(a, b string) int {
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, last[j+1]+1, next[j]+1)
		}
		last = next
	}
	return last[len(b)]
}
