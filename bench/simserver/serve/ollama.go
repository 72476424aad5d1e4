// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"fmt"
	"net/http"
)

// alive is what Ollama says of itself, whatever it has loaded.
func (s *Server) alive(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintln(w, "Ollama is running (simulated)")
}

// ollama generates: it loads first what is not loaded, and without a prompt that is all.
func (s *Server) ollama(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Model  string `json:"model"`
		Prompt string `json:"prompt"`
	}
	if status, err := read(w, r, &asked); err != nil {
		write(w, status, object{"error": err.Error()})
		return
	}
	if asked.Model != s.options.Model {
		write(w, http.StatusNotFound, object{"error": fmt.Sprintf("model %q not found", asked.Model)})
		return
	}
	s.first.Do(func() { close(s.asked) })
	select {
	case <-s.loaded:
	case <-r.Context().Done():
		return
	}
	answer := object{"model": asked.Model, "response": "", "done": true, "done_reason": "load"}
	if asked.Prompt != "" {
		work, err := newWork(len(asked.Prompt), 0)
		if err == nil {
			err = s.serve(r.Context(), work, func() error { return nil })
		}
		if err != nil {
			write(w, http.StatusServiceUnavailable, object{"error": err.Error()})
			return
		}
		first, rest := work.text()
		answer["response"], answer["done_reason"] = first+rest, "stop"
	}
	write(w, http.StatusOK, answer)
}
