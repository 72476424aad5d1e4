// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/hoist-dev/hoist/cachenode"
)

// ControlSocket is the name of the control socket in a store's root. Who may reach
// it is decided by the root's permissions.
const ControlSocket = "control.sock"

// Control serves cache over HTTP for a [Client] on the same machine.
func Control(cache Cache) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/copies", func(w http.ResponseWriter, r *http.Request) {
		copies, err := cache.List(r.Context())
		answer(w, copies, err)
	})
	act := func(pattern string, do func(ctx context.Context, name string) (Copy, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			c, err := do(r.Context(), r.PathValue("name"))
			answer(w, c, err)
		})
	}
	act("POST /v1/copies/{name}/pin", func(ctx context.Context, name string) (Copy, error) { return cache.Pin(ctx, name, true) })
	act("POST /v1/copies/{name}/unpin", func(ctx context.Context, name string) (Copy, error) { return cache.Pin(ctx, name, false) })
	act("POST /v1/copies/{name}/verify", cache.Verify)
	act("DELETE /v1/copies/{name}", cache.Evict)
	return mux
}

// failure is an error on the wire: the kind survives, so exit codes do.
type failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

func answer(w http.ResponseWriter, body any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		f := failure{Message: err.Error()}
		if kind := cachenode.KindOf(err); kind != nil {
			f.Kind = kind.Error()
		}
		w.WriteHeader(statusOf(err))
		body = f
	}
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, cachenode.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, cachenode.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, cachenode.ErrInUse):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}
