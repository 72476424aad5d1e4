// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const maxBody = 1 << 20

// object is a JSON object.
type object = map[string]any

// read decodes a body. It ignores fields that it does not know, as the real servers do.
func read(w http.ResponseWriter, r *http.Request, into any) (status int, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("send at most %d bytes: %w", maxBody, err)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return http.StatusBadRequest, fmt.Errorf("send valid JSON: %w", err)
	}
	return http.StatusOK, nil
}

func write(w http.ResponseWriter, status int, value object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails when the client is gone: nobody is left to tell
}
