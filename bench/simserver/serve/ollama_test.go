// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/bench/simserver/serve"
)

// Ollama is well with nothing loaded, loads when it is asked first, and answers that request when it has.
func TestOllama_LoadsWhenItIsAsked(t *testing.T) {
	t.Parallel()
	s, url := start(t, serve.Ollama, "tiny:1b")
	if status, _ := do(t, http.MethodGet, url+"/", ""); status != http.StatusOK {
		t.Fatalf("with nothing loaded it is not well: %d", status)
	}
	if status, _ := do(t, http.MethodPost, url+"/api/generate", `{"model":"other"}`); status != http.StatusNotFound {
		t.Fatalf("a model that it does not have: %d", status)
	}
	select {
	case <-s.Asked():
		t.Fatal("a model that it does not have has it load")
	default:
	}
	loading := make(chan struct{})
	go func() {
		defer close(loading)
		<-s.Asked()
		s.Ready()
	}()
	status, answer := do(t, http.MethodPost, url+"/api/generate", `{"model":"tiny:1b","keep_alive":-1}`)
	<-loading
	if status != http.StatusOK || !strings.Contains(answer, `"done_reason":"load"`) {
		t.Fatalf("asked to load, it says %d %s", status, answer)
	}
	if status, answer = do(t, http.MethodPost, url+"/api/generate", `{"model":"tiny:1b","prompt":"hi"}`); status != http.StatusOK || !strings.Contains(answer, `"done_reason":"stop"`) {
		t.Fatalf("asked to generate, it says %d %s", status, answer)
	}
}
