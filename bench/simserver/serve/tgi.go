// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"errors"
	"net/http"
)

func (s *Server) info(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, object{"model_id": s.options.Model, "router": "simserver", "version": "simulated"})
}

func (s *Server) generate(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Inputs     string `json:"inputs"`
		Parameters struct {
			MaxNewTokens int `json:"max_new_tokens"`
		} `json:"parameters"`
	}
	if status, err := read(w, r, &asked); err != nil {
		failTGI(w, status, "validation", err)
		return
	}
	work, err := newWork(len(asked.Inputs), asked.Parameters.MaxNewTokens)
	if err != nil {
		failTGI(w, http.StatusUnprocessableEntity, "validation", err)
		return
	}
	err = s.serve(r.Context(), work, func() error { return nil })
	switch {
	case err == nil:
		first, rest := work.text()
		write(w, http.StatusOK, object{"generated_text": first + rest})
	case errors.Is(err, errFull):
		failTGI(w, http.StatusTooManyRequests, "overloaded", err)
	default:
		failTGI(w, http.StatusServiceUnavailable, "unhealthy", err)
	}
}

func failTGI(w http.ResponseWriter, status int, kind string, err error) {
	write(w, status, object{"error": err.Error(), "error_type": kind})
}
