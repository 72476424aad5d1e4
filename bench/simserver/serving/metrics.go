// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// exposition is text in the format of Prometheus
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
type exposition struct {
	text   []byte
	labels string
}

// serveMetrics exports the names that the simulated server exports. TGI's gauges have no labels, and are not there before the
// first request.
func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	running, waiting := s.queue.counts()
	m := &s.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	var e exposition
	usage := float64(running) / float64(max(s.Concurrency, 1))
	switch s.Server {
	case VLLM:
		e.labels = label("model_name", s.Model) + `,engine="0"`
		e.value("vllm:num_requests_running", "gauge", float64(running), "")
		e.value("vllm:num_requests_waiting", "gauge", float64(waiting), "")
		e.value("vllm:kv_cache_usage_perc", "gauge", usage, "")
		e.value("vllm:request_success_total", "counter", float64(m.success), `finished_reason="stop"`)
		e.value("vllm:generation_tokens_total", "counter", float64(m.tokens), "")
		e.histogram("vllm:e2e_request_latency_seconds", m.e2e)
		e.histogram("vllm:request_queue_time_seconds", m.waits)
		e.histogram("vllm:time_to_first_token_seconds", m.waits) // the first token comes when the service begins
	case TGI:
		if m.success+int64(running)+int64(waiting) > 0 {
			e.value("tgi_queue_size", "gauge", float64(waiting), "")
			e.value("tgi_batch_current_size", "gauge", float64(running), "")
		}
		e.value("tgi_request_count", "counter", float64(m.success+int64(running)+int64(waiting)), "")
		e.value("tgi_request_success", "counter", float64(m.success), "")
		e.histogram("tgi_request_duration", m.e2e)
		e.histogram("tgi_request_queue_duration", m.waits)
	case SGLang:
		e.labels = label("model_name", s.Model) + `,engine_type="unified",tp_rank="0",pp_rank="0"`
		e.value("sglang:num_running_reqs", "gauge", float64(running), "")
		e.value("sglang:num_queue_reqs", "gauge", float64(waiting), "")
		e.value("sglang:token_usage", "gauge", usage, "")
		e.value("sglang:num_requests_total", "counter", float64(m.success), "")
		e.histogram("sglang:e2e_request_latency_seconds", m.e2e)
		e.histogram("sglang:time_to_first_token_seconds", m.waits)
	}
	e.labels = ""
	e.family("simserver_phase_seconds", "gauge")
	for _, phase := range slices.Sorted(maps.Keys(m.phases)) {
		e.sample("simserver_phase_seconds", m.phases[phase], label("phase", phase))
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = w.Write(e.text) // the client is gone if this fails
}

func (e *exposition) family(name, kind string) {
	e.text = fmt.Appendf(e.text, "# TYPE %s %s\n", name, kind)
}

func (e *exposition) sample(name string, value float64, labels string) {
	all := strings.Trim(e.labels+","+labels, ",")
	if all != "" {
		all = "{" + all + "}"
	}
	e.text = fmt.Appendf(e.text, "%s%s %v\n", name, all, value)
}

func (e *exposition) value(name, kind string, value float64, labels string) {
	e.family(name, kind)
	e.sample(name, value, labels)
}

func (e *exposition) histogram(name string, h histogram) {
	e.family(name, "histogram")
	for i, bound := range bounds {
		e.sample(name+"_bucket", float64(h.counts[i]), label("le", fmt.Sprint(bound)))
	}
	e.sample(name+"_bucket", float64(h.count), `le="+Inf"`)
	e.sample(name+"_sum", h.sum, "")
	e.sample(name+"_count", float64(h.count), "")
}

func label(name, value string) string {
	return name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value) + `"`
}

// bounds of the buckets, in seconds.
var bounds = [...]float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120}

type histogram struct {
	counts [len(bounds)]int64 // cumulative
	count  int64
	sum    float64
}

func (h *histogram) observe(value float64) {
	for i, bound := range bounds {
		if value <= bound {
			h.counts[i]++
		}
	}
	h.count++
	h.sum += value
}
