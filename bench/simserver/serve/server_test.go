// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/bench/simserver/serve"
)

func TestServer_DrainLetsTheAcceptedFinishAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, start := ready(1), time.Now()
		var all sync.WaitGroup
		for range 2 { // one runs, one waits
			all.Go(func() {
				if code := complete(t.Context(), s); code != http.StatusOK {
					t.Errorf("an accepted request was answered %d", code)
				}
			})
		}
		synctest.Wait()
		brief, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if err := s.Drain(brief); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a drain without time ended with %v", err)
		}
		if code := complete(t.Context(), s); code != http.StatusServiceUnavailable {
			t.Errorf("a new request was answered %d", code)
		}
		for range 2 { // again, and when there is nothing left
			if err := s.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took != 2*time.Second {
				t.Errorf("drained after %v, want 2 s", took)
			}
		}
		all.Wait()
	})
}

func TestServer_SplitsTheTimeOfARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := ready(1)
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { complete(t.Context(), s) })
		}
		all.Wait()
		values, types := scrape(t, s)
		wantValues(t, values, map[string]float64{
			"vllm:request_queue_time_seconds_sum" + vllmLabels:                             0 + 1,
			"vllm:time_to_first_token_seconds_sum" + vllmLabels:                            0.5 + 1.5,
			"vllm:e2e_request_latency_seconds_sum" + vllmLabels:                            1 + 2,
			"vllm:e2e_request_latency_seconds_count" + vllmLabels:                          2,
			`vllm:e2e_request_latency_seconds_bucket{engine="0",model_name="m",le="0.5"}`:  0,
			`vllm:e2e_request_latency_seconds_bucket{engine="0",model_name="m",le="1"}`:    1,
			`vllm:e2e_request_latency_seconds_bucket{engine="0",model_name="m",le="2.5"}`:  2,
			`vllm:e2e_request_latency_seconds_bucket{engine="0",model_name="m",le="+Inf"}`: 2,
			"vllm:generation_tokens_total" + vllmLabels:                                    4,
			"vllm:prompt_tokens_total" + vllmLabels:                                        4,
			"vllm:kv_cache_usage_perc" + vllmLabels:                                        0,
			`vllm:request_success_total{engine="0",model_name="m",finished_reason="stop"}`: 2,
		})
		if types["vllm:e2e_request_latency_seconds"] != "histogram" || types["vllm:request_success_total"] != "counter" {
			t.Errorf("the types are %v", types)
		}
	})
}

func TestServiceTime_IsDrawnAroundItsMeanAndAgainFromTheSameSeed(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, seed uint64) (took time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			service := serve.ServiceTime{Mean: 100 * time.Millisecond, Exponential: true}
			s := serve.New(serve.Options{Concurrency: 1, Service: service, Seed: seed})
			s.Ready()
			for range 2000 {
				complete(t.Context(), s)
			}
			took = time.Since(start)
		})
		return took
	}
	first, again, other := run(t, 1), run(t, 1), run(t, 2)
	if first != again || first == other {
		t.Errorf("seed 1 took %v, then %v, and seed 2 %v", first, again, other)
	}
	if first < 180*time.Second || first > 220*time.Second {
		t.Errorf("2000 requests of 100 ms took %v", first)
	}
}

func TestParse_NamesWhatItAccepts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]serve.ServiceTime{
		"200ms": {Mean: 200 * time.Millisecond}, "exp:1s": {Mean: time.Second, Exponential: true}, "0s": {},
	} {
		if got, err := serve.ParseServiceTime(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "-1s", "exp:", "exp:-1s", "5"} {
		if got, err := serve.ParseServiceTime(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	for _, want := range []serve.Dialect{serve.VLLM, serve.TGI, serve.SGLang} {
		if got, err := serve.ParseDialect(string(want)); err != nil || got != want {
			t.Errorf("%q is %q, %v", want, got, err)
		}
	}
	if got, err := serve.ParseDialect("triton"); err == nil {
		t.Errorf("triton is %q", got)
	}
}
