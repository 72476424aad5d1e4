// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serving

import "net/http"

func (s *Server) info(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"model_id": s.Model, "max_concurrent_requests": s.Concurrency, "version": "simulated"})
}

func (s *Server) generate(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Inputs     string `json:"inputs"`
		Parameters struct {
			MaxNewTokens int `json:"max_new_tokens"`
		} `json:"parameters"`
	}
	if err := read(w, r, &request); err != nil {
		write(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error(), "error_type": "validation"})
		return
	}
	if _, err := s.serve(r.Context(), request.Parameters.MaxNewTokens, func() error { return nil }); err != nil {
		write(w, status(err), map[string]string{"error": err.Error(), "error_type": "unhealthy"})
		return
	}
	write(w, http.StatusOK, map[string]string{"generated_text": answer})
}
