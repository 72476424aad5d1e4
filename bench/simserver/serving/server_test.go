// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serving_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/bench/simserver/serving"
)

// start serves on loopback. The service time is nothing, so that tests take none.
func start(t *testing.T, kind serving.Kind) (*serving.Server, string) {
	t.Helper()
	s := serving.New(serving.Options{Server: kind, Model: `tiny "7b"`, Concurrency: 2})
	http := httptest.NewServer(s.Handler())
	t.Cleanup(http.Close)
	return s, http.URL
}

func call(t *testing.T, method, url, body string) (code int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// metrics reads the exposition: values by name and labels.
func metrics(t *testing.T, url string) map[string]string {
	t.Helper()
	_, text := call(t, http.MethodGet, url+"/metrics", "")
	values := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			i := strings.LastIndexByte(line, ' ')
			values[line[:i]] = line[i+1:]
		}
	}
	return values
}

func TestServer_IsHealthyOnceTheWeightsAreLoaded(t *testing.T) {
	t.Parallel()
	for kind, completion := range map[serving.Kind][2]string{
		serving.VLLM:   {"/v1/completions", `{"prompt":"hi"}`},
		serving.TGI:    {"/generate", `{"inputs":"hi"}`},
		serving.SGLang: {"/v1/completions", `{"prompt":"hi"}`},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s, url := start(t, kind)
			for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
				if code, _ := call(t, http.MethodGet, url+"/health", ""); code != want {
					t.Errorf("health is %d, want %d", code, want)
				}
				if code, answer := call(t, http.MethodPost, url+completion[0], completion[1]); code != want {
					t.Errorf("a completion is %d %s, want %d", code, answer, want)
				}
				s.Ready()
			}
		})
	}
}

func TestServer_AnswersAsOpenAIDoes(t *testing.T) {
	t.Parallel()
	s, url := start(t, serving.VLLM)
	s.Ready()
	for name, c := range map[string]struct {
		path, body string
		code       int
		has        string
	}{
		"completion":    {"/v1/completions", `{"model":"tiny \"7b\"","prompt":"hi","max_tokens":3}`, 200, `"text":"This is a simulated answer."`},
		"chat":          {"/v1/chat/completions", `{"messages":[]}`, 200, `"content":"This is a simulated answer."`},
		"usage":         {"/v1/completions", `{"max_tokens":2000000000}`, 200, `"completion_tokens":4096`},
		"other model":   {"/v1/completions", `{"model":"gpt"}`, 404, `"type":"NotFoundError"`},
		"no JSON":       {"/v1/completions", `{"model":`, 400, `"invalid_request_error"`},
		"too much JSON": {"/v1/completions", `{"prompt":"` + strings.Repeat("x", 2<<20) + `"}`, 400, "at most 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, answer := call(t, http.MethodPost, url+c.path, c.body)
			if code != c.code || !strings.Contains(answer, c.has) || !json.Valid([]byte(answer)) {
				t.Errorf("answered %d %s, want %d with %s", code, answer, c.code, c.has)
			}
		})
	}
}

func TestServer_StreamsWordsAndEndsWithDone(t *testing.T) {
	t.Parallel()
	s, url := start(t, serving.SGLang)
	s.Ready()
	_, answer := call(t, http.MethodPost, url+"/v1/chat/completions", `{"messages":[],"stream":true}`)
	var text strings.Builder
	events := strings.Split(strings.TrimSuffix(answer, "\n\n"), "\n\n")
	for _, event := range events[:len(events)-1] {
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &chunk); err != nil {
			t.Fatalf("%q: %v", event, err)
		}
		text.WriteString(chunk.Choices[0].Delta.Content)
	}
	if last := events[len(events)-1]; text.String() != "This is a simulated answer." || last != "data: [DONE]" {
		t.Errorf("streamed %q, ended with %q", text.String(), last)
	}
}

func TestServer_ExportsTheMetricsOfTheServerItSimulates(t *testing.T) {
	t.Parallel()
	for kind, c := range map[serving.Kind]struct {
		path, before, absent string
		after                map[string]string
	}{
		serving.VLLM: {"/v1/completions", `vllm:num_requests_running{model_name="tiny \"7b\"",engine="0"}`, "", map[string]string{
			`vllm:num_requests_waiting{model_name="tiny \"7b\"",engine="0"}`:                         "0",
			`vllm:request_success_total{model_name="tiny \"7b\"",engine="0",finished_reason="stop"}`: "1",
			`vllm:e2e_request_latency_seconds_bucket{model_name="tiny \"7b\"",engine="0",le="+Inf"}`: "1",
			`vllm:time_to_first_token_seconds_count{model_name="tiny \"7b\"",engine="0"}`:            "1",
		}},
		serving.TGI: {"/generate", "tgi_request_count", "tgi_batch_current_size", map[string]string{
			"tgi_batch_current_size": "0", "tgi_queue_size": "0", "tgi_request_success": "1", "tgi_request_duration_count": "1",
		}},
		serving.SGLang: {"/v1/completions", `sglang:num_running_reqs{model_name="tiny \"7b\"",engine_type="unified",tp_rank="0",pp_rank="0"}`, "", map[string]string{
			`sglang:num_queue_reqs{model_name="tiny \"7b\"",engine_type="unified",tp_rank="0",pp_rank="0"}`:     "0",
			`sglang:num_requests_total{model_name="tiny \"7b\"",engine_type="unified",tp_rank="0",pp_rank="0"}`: "1",
		}},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s, url := start(t, kind)
			s.Phase("weights", 1.5)
			s.Ready()
			values := metrics(t, url)
			if _, there := values[c.before]; !there || values[`simserver_phase_seconds{phase="weights"}`] != "1.5" {
				t.Errorf("before the first request there is %v", values)
			}
			if _, there := values[c.absent]; there {
				t.Errorf("%s is there before the first request", c.absent)
			}
			call(t, http.MethodPost, url+c.path, "{}")
			values = metrics(t, url)
			for name, want := range c.after {
				if values[name] != want {
					t.Errorf("%s is %q, want %s", name, values[name], want)
				}
			}
		})
	}
}

func TestServer_DrainRefusesWhatComesLate(t *testing.T) {
	t.Parallel()
	s, url := start(t, serving.VLLM)
	s.Ready()
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, _ := call(t, http.MethodPost, url+"/v1/completions", "{}"); code != http.StatusServiceUnavailable {
		t.Errorf("a draining server answers %d", code)
	}
}

func TestParseServiceTime_KnowsTwoDistributions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"200ms": true, "exp:1s": true, "0s": true, "-1s": false, "soon": false, "exp:": false} {
		if _, err := serving.ParseServiceTime(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}
