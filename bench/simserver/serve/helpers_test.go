// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/bench/simserver/serve"
)

const ask = `{"prompt":"hi","max_tokens":2}`

// ready makes a server of vLLM's dialect that takes a second for every request.
func ready(concurrency int) *serve.Server {
	s := serve.New(serve.Options{Model: "m", Concurrency: concurrency, Service: serve.ServiceTime{Mean: time.Second}})
	s.Ready()
	return s
}

// call needs no network, so that it works in the bubbles of synctest.
func call(ctx context.Context, s *serve.Server, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body)))
	return w
}

func complete(ctx context.Context, s *serve.Server) int {
	return call(ctx, s, http.MethodPost, "/v1/completions", ask).Code
}

// scrape reads the exposition: values by names with labels, types by names.
func scrape(t *testing.T, s *serve.Server) (values map[string]float64, types map[string]string) {
	t.Helper()
	values, types = map[string]float64{}, map[string]string{}
	for line := range strings.Lines(call(t.Context(), s, http.MethodGet, "/metrics", "").Body.String()) {
		line = strings.TrimSuffix(line, "\n")
		if fields := strings.Fields(line); fields[0] == "#" {
			if fields[1] == "TYPE" {
				types[fields[2]] = fields[3]
			}
			continue
		}
		end := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[end+1:], 64)
		if _, twice := values[line[:end]]; err != nil || twice {
			t.Fatalf("line %q: %v, or there twice", line, err)
		}
		values[line[:end]] = value
	}
	return values, types
}

const vllmLabels = `{engine="0",model_name="m"}`

func wantLoad(t *testing.T, s *serve.Server, running, waiting int) {
	t.Helper()
	values, _ := scrape(t, s)
	r, w := values["vllm:num_requests_running"+vllmLabels], values["vllm:num_requests_waiting"+vllmLabels]
	if r != float64(running) || w != float64(waiting) {
		t.Errorf("%v run and %v wait, want %d and %d", r, w, running, waiting)
	}
}

func wantValues(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, value := range want {
		if v, there := got[name]; !there || v != value {
			t.Errorf("%s is %v (there: %v), want %v", name, v, there, value)
		}
	}
	if t.Failed() {
		for name := range maps.Keys(got) {
			if !strings.Contains(name, "_bucket") {
				t.Logf("%s %v", name, got[name])
			}
		}
	}
}
