// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a simulated inference server.
type Server struct {
	Options
	queue   *queue
	ready   atomic.Bool
	metrics metrics
}

// New makes a server that is not ready.
func New(o Options) *Server {
	return &Server{Options: o, queue: newQueue(o.Concurrency), metrics: metrics{phases: map[string]float64{}}}
}

// Ready says that the weights are loaded.
func (s *Server) Ready() { s.ready.Store(true) }

// Phase records how long a phase of the start took, in seconds.
func (s *Server) Phase(name string, seconds float64) { s.metrics.phase(name, seconds) }

// Drain refuses new requests and waits for those that run and wait.
func (s *Server) Drain(ctx context.Context) error { return s.queue.drain(ctx) }

// Handler has the endpoints of the server that is simulated.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	switch s.Server {
	case TGI:
		mux.HandleFunc("GET /ping", s.health)
		mux.HandleFunc("GET /info", s.info)
		mux.HandleFunc("POST /generate", s.generate)
	case SGLang:
		mux.HandleFunc("GET /health_generate", s.health)
		s.openAI(mux)
	case VLLM:
		s.openAI(mux)
	}
	return mux
}

func (s *Server) openAI(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("POST /v1/completions", s.completions)
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		http.Error(w, "the weights are being loaded", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// spent is where the time of one request went.
type spent struct {
	waited, total time.Duration
	tokens        int
}

const maxTokens = 4096

// serve takes a request through the queue. first is called when its slot is there, and the service time begins.
func (s *Server) serve(ctx context.Context, tokens int, first func() error) (spent, error) {
	if !s.ready.Load() {
		return spent{}, errLoading
	}
	start := time.Now()
	leave, err := s.queue.enter(ctx)
	if err != nil {
		return spent{}, err
	}
	defer leave()
	took := spent{waited: time.Since(start), tokens: min(max(tokens, 1), maxTokens)}
	if err := first(); err != nil {
		return took, err
	}
	timer := time.NewTimer(s.Service.draw())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return took, ctx.Err()
	case <-timer.C:
	}
	took.total = time.Since(start)
	s.metrics.served(took)
	return took, nil
}

var errLoading = errors.New("the weights are being loaded")

// status is the HTTP status for what serve returned.
func status(err error) int {
	if errors.Is(err, errLoading) || errors.Is(err, errDraining) {
		return http.StatusServiceUnavailable
	}
	return 499 // the client has gone, as nginx calls it
}

const maxBody = 1 << 20 // bytes

// read decodes a request's body. What it does not know is ignored, as servers do.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into); err != nil {
		return fmt.Errorf("the request is no JSON of at most %d bytes: %w", maxBody, err)
	}
	return nil
}

func write(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}

// metrics are counted as they happen.
type metrics struct {
	mu      sync.Mutex
	phases  map[string]float64
	success int64
	tokens  int64
	e2e     histogram
	waits   histogram
}

func (m *metrics) phase(name string, seconds float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.phases[name] = seconds
}

func (m *metrics) served(s spent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.success++
	m.tokens += int64(s.tokens)
	m.e2e.observe(s.total.Seconds())
	m.waits.observe(s.waited.Seconds())
}
