// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/bench/simserver/serve"
)

const (
	hostileName = "a\"b\\c\nd"
	escapedName = `a\"b\\c\nd`
)

// start serves on loopback, and takes no time.
func start(t *testing.T, d serve.Dialect, model string) (s *serve.Server, url string) {
	t.Helper()
	s = serve.New(serve.Options{Dialect: d, Model: model, Concurrency: 2})
	loopback := httptest.NewServer(s.Handler())
	t.Cleanup(loopback.Close)
	return s, loopback.URL
}

func do(t *testing.T, method, url, body string) (status int, answer string) {
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

func TestDialects_AreUnavailableUntilReady(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dialect      serve.Dialect
		health, work string
		body         string
	}{
		{serve.VLLM, "/health", "/v1/completions", ask},
		{serve.SGLang, "/health", "/v1/chat/completions", `{"messages":[{"role":"user","content":"hi"}]}`},
		{serve.SGLang, "/health_generate", "/v1/completions", `{"prompt":"hi","stream":true}`},
		{serve.TGI, "/health", "/generate", `{"inputs":"hi"}`},
		{serve.TGI, "/ping", "/generate", `{"inputs":"hi"}`},
	} {
		t.Run(string(c.dialect)+c.health, func(t *testing.T) {
			t.Parallel()
			s, url := start(t, c.dialect, "m")
			for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
				if status, _ := do(t, http.MethodGet, url+c.health, ""); status != want {
					t.Errorf("the health is %d, want %d", status, want)
				}
				status, answer := do(t, http.MethodPost, url+c.work, c.body)
				if status != want || !strings.Contains(answer, "simulated") {
					t.Errorf("the answer is %d %s, want %d", status, answer, want)
				}
				s.Ready()
			}
		})
	}
}

func TestOpenAI_AnswersAndRefuses(t *testing.T) {
	t.Parallel()
	s, url := start(t, serve.VLLM, "m")
	s.Ready()
	for name, c := range map[string]struct {
		path, body string
		status     int
		want       string
	}{
		"completion":      {"completions", `{"model":"m","prompt":"hi there"}`, 200, `"text":"simulated answer"`},
		"tokens":          {"completions", `{"prompt":[1,2,3],"max_tokens":1}`, 200, `"text":"simulated"`},
		"usage":           {"completions", `{"prompt":"hi there","max_tokens":5}`, 200, `"usage":{"completion_tokens":5,"prompt_tokens":3,"total_tokens":8}`},
		"chat":            {"chat/completions", `{"messages":[{"role":"user","content":"hi"}]}`, 200, `"message":{"content":"simulated answer","role":"assistant"}`},
		"newer name":      {"chat/completions", `{"messages":[{}],"max_completion_tokens":3}`, 200, `"completion_tokens":3`},
		"huge max_tokens": {"completions", `{"prompt":"hi","max_tokens":9000000000000000000}`, 200, `"completion_tokens":4096`},
		"beyond numbers":  {"completions", `{"prompt":"hi","max_tokens":1e40}`, 400, `"type":"BadRequestError"`},
		"negative":        {"completions", `{"prompt":"hi","max_tokens":-1}`, 400, `"type":"BadRequestError"`},
		"other model":     {"completions", `{"model":"gpt","prompt":"hi"}`, 404, `"type":"NotFoundError"`},
		"no prompt":       {"completions", `{"messages":[{}]}`, 400, `"type":"BadRequestError"`},
		"no messages":     {"chat/completions", `{"prompt":"hi"}`, 400, `"type":"BadRequestError"`},
		"half":            {"completions", `{"prompt":`, 400, "send valid JSON"},
		"two":             {"completions", ask + ask, 400, "send valid JSON"},
		"nothing":         {"completions", ``, 400, "send valid JSON"},
		"wrong type":      {"completions", `[]`, 400, "send valid JSON"},
		"deep":            {"completions", `{"prompt":` + strings.Repeat("[", 100_000), 400, "send valid JSON"},
		"large":           {"completions", `{"prompt":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "send at most 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, answer := do(t, http.MethodPost, url+"/v1/"+c.path, c.body)
			if status != c.status || !strings.Contains(answer, c.want) || !json.Valid([]byte(answer)) {
				t.Errorf("answered %d %.300s, want %d with %s", status, answer, c.status, c.want)
			}
		})
	}
	if status, _ := do(t, http.MethodGet, url+"/v1/completions", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("GET of completions is %d", status)
	}
}

func TestOpenAI_StreamsTheSameText(t *testing.T) {
	t.Parallel()
	s, url := start(t, serve.SGLang, "m")
	s.Ready()
	for path, body := range map[string]string{
		"/v1/completions":      `{"prompt":"hi","max_tokens":3,"stream":true}`,
		"/v1/chat/completions": `{"messages":[{}],"max_tokens":3,"stream":true}`,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			_, answer := do(t, http.MethodPost, url+path, body)
			events := strings.Split(strings.TrimSuffix(answer, "\n\n"), "\n\n")
			var text strings.Builder
			var chunk struct {
				Choices []struct {
					Text   string
					Delta  struct{ Content string }
					Finish string `json:"finish_reason"`
				}
				Usage struct {
					Tokens int `json:"completion_tokens"`
				}
			}
			for _, event := range events[:len(events)-1] {
				if err := json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &chunk); err != nil {
					t.Fatalf("%q: %v", event, err)
				}
				text.WriteString(chunk.Choices[0].Text + chunk.Choices[0].Delta.Content)
			}
			if text.String() != "simulated answer answer" || chunk.Choices[0].Finish != "stop" || chunk.Usage.Tokens != 3 {
				t.Errorf("streamed %q, and last %+v", text.String(), chunk)
			}
			if last := events[len(events)-1]; last != "data: [DONE]" {
				t.Errorf("the stream ended with %q", last)
			}
		})
	}
}

func TestTGI_AnswersAndRefuses(t *testing.T) {
	t.Parallel()
	s, url := start(t, serve.TGI, "m")
	s.Ready()
	for name, c := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"answer":  {`{"inputs":"hi","parameters":{"max_new_tokens":3}}`, 200, `{"generated_text":"simulated answer answer"}`},
		"huge":    {`{"inputs":"hi","parameters":{"max_new_tokens":1000000000}}`, 200, strings.Repeat(" answer", 4095) + `"}`},
		"nothing": {`{}`, 422, `"error_type":"validation"`},
		"half":    {`{"inputs":`, 400, `"error_type":"validation"`},
		"large":   {`{"inputs":"` + strings.Repeat("x", 2<<20) + `"}`, 413, `"error_type":"validation"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if status, answer := do(t, http.MethodPost, url+"/generate", c.body); status != c.status || !strings.Contains(answer, c.want) {
				t.Errorf("answered %d %.300s, want %d with %.100s", status, answer, c.status, c.want)
			}
		})
	}
	if _, info := do(t, http.MethodGet, url+"/info", ""); !strings.Contains(info, `"model_id":"m"`) {
		t.Errorf("the info is %s", info)
	}
}

func TestTGI_HasNoMetricsBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	s, url := start(t, serve.TGI, "m")
	s.Ready()
	before, _ := scrape(t, s)
	for name := range before {
		if strings.HasPrefix(name, "tgi_") {
			t.Errorf("%s is there before the first request", name)
		}
	}
	do(t, http.MethodPost, url+"/generate", `{"inputs":"hi"}`)
	after, types := scrape(t, s)
	wantValues(t, after, map[string]float64{
		"tgi_batch_current_size": 0, "tgi_queue_size": 0, "tgi_request_count": 1, "tgi_request_success": 1,
		"tgi_request_duration_count": 1, `tgi_request_duration_bucket{le="+Inf"}`: 1, "tgi_request_queue_duration_count": 1,
	})
	if types["tgi_request_duration"] != "histogram" || types["tgi_queue_size"] != "gauge" {
		t.Errorf("the types are %v", types)
	}
}

func TestSGLang_ListsItsModelTooEarlyAndHasMetricsOnceReady(t *testing.T) {
	t.Parallel()
	s, url := start(t, serve.SGLang, hostileName)
	if status, models := do(t, http.MethodGet, url+"/v1/models", ""); status != http.StatusOK || !strings.Contains(models, escapedName) {
		t.Errorf("the models are %d %s", status, models)
	}
	running := `sglang:num_running_reqs{engine_type="unified",model_name="` + escapedName + `",pp_rank="0",tp_rank="0"}`
	if values, _ := scrape(t, s); len(values) != 1 {
		t.Errorf("a server that loads has the metrics %v", values)
	}
	s.Ready()
	do(t, http.MethodPost, url+"/v1/completions", ask)
	values, _ := scrape(t, s)
	wantValues(t, values, map[string]float64{
		running: 0,
		strings.Replace(running, "num_running_reqs", "num_queue_reqs", 1):            0,
		strings.Replace(running, "num_running_reqs", "token_usage", 1):               0,
		`sglang:num_requests_total{model_name="` + escapedName + `"}`:                1,
		`sglang:e2e_request_latency_seconds_count{model_name="` + escapedName + `"}`: 1,
	})
}

func TestServer_ExportsThePhasesOfItsStart(t *testing.T) {
	t.Parallel()
	for _, dialect := range []serve.Dialect{serve.VLLM, serve.TGI, serve.SGLang} {
		s, _ := start(t, dialect, "m")
		s.Phase("weights", 1.5)
		s.Phase(hostileName, 2)
		s.Phase("weights", 2.5)
		values, _ := scrape(t, s)
		wantValues(t, values, map[string]float64{
			`simserver_build_info{simulated="true"}`:               1,
			`simserver_phase_seconds{phase="weights"}`:             2.5,
			`simserver_phase_seconds{phase="` + escapedName + `"}`: 2,
		})
	}
}
