// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"maps"
	"net/http"
	"slices"
)

// load is what the gauges say at one moment.
type load struct{ running, waiting, usage float64 }

func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	running, waiting := s.queue.counts()
	l := load{float64(running), float64(waiting), float64(running) / float64(s.options.Concurrency)}
	c := s.tally.snapshot()
	var e exposition
	switch {
	case s.options.Dialect == TGI:
		e.tgi(c, l)
	case s.options.Dialect != SGLang:
		e.vllm(c, l, s.options.Model)
	case s.ready.Load():
		e.sglang(c, l, s.options.Model)
	}
	e.simserver(c)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(e.text) // fails when the client is gone: nobody is left to tell
}

func (e *exposition) vllm(c counts, l load, model string) {
	e.labels = []string{label("engine", "0"), label("model_name", model)}
	e.gauge("vllm:num_requests_running", l.running)
	e.gauge("vllm:num_requests_waiting", l.waiting)
	e.gauge("vllm:kv_cache_usage_perc", l.usage)
	e.counter("vllm:request_success_total", c.success, label("finished_reason", "stop"))
	e.counter("vllm:prompt_tokens_total", c.prompt)
	e.counter("vllm:generation_tokens_total", c.tokens)
	e.histogram("vllm:request_queue_time_seconds", c.queued)
	e.histogram("vllm:time_to_first_token_seconds", c.first)
	e.histogram("vllm:e2e_request_latency_seconds", c.all)
}

// tgi exports nothing before the first request.
func (e *exposition) tgi(c counts, l load) {
	if c.requests == 0 {
		return
	}
	e.gauge("tgi_batch_current_size", l.running)
	e.gauge("tgi_queue_size", l.waiting)
	e.counter("tgi_request_count", c.requests)
	e.counter("tgi_request_success", c.success)
	e.histogram("tgi_request_queue_duration", c.queued)
	e.histogram("tgi_request_duration", c.all)
}

func (e *exposition) sglang(c counts, l load, model string) {
	e.labels = []string{label("engine_type", "unified"), label("model_name", model), label("pp_rank", "0"), label("tp_rank", "0")}
	e.gauge("sglang:num_running_reqs", l.running)
	e.gauge("sglang:num_queue_reqs", l.waiting)
	e.gauge("sglang:token_usage", l.usage)
	e.histogram("sglang:queue_time_seconds", c.queued)
	e.labels = []string{label("model_name", model)} // what follows is counted in front of the ranks
	e.counter("sglang:num_requests_total", c.success)
	e.counter("sglang:prompt_tokens_total", c.prompt)
	e.counter("sglang:generation_tokens_total", c.tokens)
	e.histogram("sglang:time_to_first_token_seconds", c.first)
	e.histogram("sglang:e2e_request_latency_seconds", c.all)
}

func (e *exposition) simserver(c counts) {
	e.labels = nil
	e.gauge("simserver_build_info", 1, label("simulated", "true"))
	e.family("simserver_phase_seconds", "gauge")
	for _, phase := range slices.Sorted(maps.Keys(c.phases)) {
		e.sample("simserver_phase_seconds", c.phases[phase], label("phase", phase))
	}
}
