// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demand

import (
	"fmt"
	"strings"

	"github.com/hoist-dev/hoist/api/inference"
)

// metrics are a server's.
type metrics struct {
	running, waiting string // names; "" is none
	matchers         string // besides those of the pods
	late             bool   // they are not there before the first request
	path             string // where they are, unless /metrics
}

// known servers. Where the names come from: vllm/v1/metrics/loggers.py, text-generation-inference backends/v3/src/queue.rs (it has never had
// tgi_request_queue_size), sglang's metrics collector, Triton's docs/user_guide/metrics.md, trtllm-serve, NIM's observability page,
// lmdeploy, llama.cpp tools/server, text-embeddings-inference.
var known = map[inference.Kind]metrics{
	inference.VLLM:        {running: "vllm:num_requests_running", waiting: "vllm:num_requests_waiting"},
	inference.TGI:         {running: "tgi_batch_current_size", waiting: "tgi_queue_size", late: true},
	inference.SGLang:      {running: "sglang:num_running_reqs", waiting: "sglang:num_queue_reqs", matchers: `tp_rank=~"0?",pp_rank=~"0?"`}, // each rank tells of the same requests
	inference.Triton:      {waiting: "nv_inference_pending_request_count"},
	inference.TensorRTLLM: {running: "trtllm_num_requests_running", waiting: "trtllm_num_requests_waiting", path: "/prometheus/metrics"},
	inference.NIM:         {running: "num_requests_running", waiting: "num_requests_waiting", path: "/v1/metrics"},
	inference.LMDeploy:    {running: "lmdeploy:num_requests_running", waiting: "lmdeploy:num_requests_waiting"},
	inference.LlamaCpp:    {running: "llamacpp:requests_processing", waiting: "llamacpp:requests_deferred"},
	inference.TEI:         {waiting: "te_queue_size", late: true},
}

// Knows reports whether a server tells of its requests. Ollama does not.
func Knows(kind inference.Kind) bool { _, ok := known[kind]; return ok }

// TellsRunning reports whether a server tells of requests that run. One that tells of those that wait alone looks idle when it is full,
// and may not sleep.
func TellsRunning(kind inference.Kind) bool { return known[kind].running != "" }

// Query is that of a server's own metrics.
func Query(kind inference.Kind, t Target) (string, error) {
	m, ok := known[kind]
	if !ok {
		return "", fmt.Errorf("%s has no metrics of its requests: give spec.query, such as what a gateway in front of it counts", kind)
	}
	// sum over one selector: sum(a)+sum(b) is empty when b is missing, and a or b drops those of b that have a's labels.
	query := fmt.Sprintf("sum({%s})", join(name(m), t.pods(), m.matchers))
	if m.late {
		query += fmt.Sprintf("\nor (sum(up{%s}) > 0) * 0", t.pods())
	}
	return query + "\nor " + t.idle(), nil
}

// name matches the metrics that there are.
func name(m metrics) string {
	switch {
	case m.running == "":
		return fmt.Sprintf("__name__=%q", m.waiting)
	case m.waiting == "":
		return fmt.Sprintf("__name__=%q", m.running)
	}
	return fmt.Sprintf("__name__=~%q", m.running+"|"+m.waiting)
}

// Concurrency is a query of how many requests a replica works on at a time, as measured in the last day while others waited: what it does with
// all its slots full. It is empty where that never happened, and ok is false for servers that do not tell both.
func Concurrency(kind inference.Kind, t Target) (query string, ok bool) {
	m := known[kind]
	if m.running == "" || m.waiting == "" {
		return "", false
	}
	selector := func(name string) string {
		return fmt.Sprintf("{%s}", join(fmt.Sprintf("__name__=%q", name), t.pods(), m.matchers))
	}
	return fmt.Sprintf("quantile(0.5, quantile_over_time(0.5, (sum by (pod) (%s) and on (pod) sum by (pod) (%s) > 0)[1d:1m]))", selector(m.running), selector(m.waiting)), true
}

// Own is a query of the user's, with the same meaning of none.
func Own(query string, t Target) string { return "(\n" + query + "\n)\nor " + t.idle() }

// The gauges of what is forecast, and when it was.
const (
	ForecastReplicas  = "hoist_forecast_replicas"
	ForecastTimestamp = "hoist_forecast_timestamp_seconds"
)

// Forecast is the replicas that are forecast for a policy, and 0 when that was more than five minutes ago.
func Forecast(policy string) string {
	return fmt.Sprintf("(max(%s{policy=%q}) and on() (time() - max(%s{policy=%q}) < 300))\nor vector(0)", ForecastReplicas, policy, ForecastTimestamp, policy)
}

func join(matchers ...string) string {
	var all []string
	for _, m := range matchers {
		if m != "" {
			all = append(all, m)
		}
	}
	return strings.Join(all, ",")
}
