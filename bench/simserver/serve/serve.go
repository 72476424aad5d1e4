// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package serve is a simulated inference server, for tests and benchmarks of what scales such servers. It has the endpoints and the
// metric names of vLLM, TGI, SGLang or Ollama and no model: so many requests are served at once, each takes a drawn time, and the others
// wait in the order in which they came. Its answers say that they are simulated.
//
// What it keeps of the real ones, because it has misled people: running and waiting are two gauges, and a full server without a
// queue has waiting 0; TGI has no metrics before the first request; SGLang lists its model before it can serve; Ollama is well
// with nothing loaded, and loads when it is asked.
package serve

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

// Server is a simulated inference server. It loads until Ready.
type Server struct {
	options Options
	queue   *queue
	times   *times
	ready   atomic.Bool
	loaded  chan struct{} // closed by Ready
	asked   chan struct{} // closed by the first request
	first   sync.Once
	tally   tally
}

// New makes a server that is still loading.
func New(o Options) *Server {
	o.Concurrency = max(o.Concurrency, 1)
	return &Server{options: o, queue: newQueue(o.Concurrency, o.MaxQueue), times: newTimes(o.Service, o.Seed), loaded: make(chan struct{}), asked: make(chan struct{})}
}

// Ready says that the weights are loaded.
func (s *Server) Ready() {
	if !s.ready.Swap(true) {
		close(s.loaded)
	}
}

// Asked is closed when Ollama is asked for the model for the first time, for which it loads it.
func (s *Server) Asked() <-chan struct{} { return s.asked }

// Phase records how long a phase of the start took. It is exported as simserver_phase_seconds.
func (s *Server) Phase(name string, seconds float64) {
	s.tally.update(func(c *counts) { c.phases[name] = seconds })
}

// Drain refuses new requests and waits for those that run or wait. Shut the http.Server down after it, not before: that waits for
// the answers that are still being written.
func (s *Server) Drain(ctx context.Context) error {
	select {
	case <-s.queue.close():
		return nil
	case <-ctx.Done():
		running, waiting := s.queue.counts()
		return fmt.Errorf("drain: %d requests run and %d wait, give them more time: %w", running, waiting, context.Cause(ctx))
	}
}

// Handler has the endpoints of the dialect, and /metrics.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /health", s.health)
	if s.options.Dialect == Ollama {
		mux.HandleFunc("GET /{$}", s.alive)
		mux.HandleFunc("POST /api/generate", s.ollama)
		return mux
	}
	if s.options.Dialect == TGI {
		mux.HandleFunc("GET /ping", s.health)
		mux.HandleFunc("GET /info", s.info)
		mux.HandleFunc("POST /generate", s.generate)
		return mux
	}
	if s.options.Dialect == SGLang {
		mux.HandleFunc("GET /health_generate", s.health)
	}
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("POST /v1/completions", s.completions)
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
	return mux
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		http.Error(w, errLoading.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}
