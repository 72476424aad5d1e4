// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package hubtest is a stand-in for the Hugging Face Hub: it speaks the part of the
// Hub's protocol that a download needs, on loopback, as the Hub's documentation and the
// huggingface_hub client have it.
//
//	GET /api/models/OWNER/REPO/revision/REVISION    the commit of a branch or tag
//	GET /api/models/OWNER/REPO/tree/REVISION        the files, in pages of 1000 with a cursor in a Link header
//	GET /OWNER/REPO/resolve/REVISION/PATH           small files themselves; large ones by a redirect to the content network
//
// The content network is a second server with another port, and so another host. It
// wants a signature that the hub gave out, and refuses who sends it a token, as S3 does.
// It is no proof that the real Hub is served right: docs/sources.md says what was run against what.
package hubtest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Hub is a stand-in with no repositories. Make it with New.
type Hub struct {
	hub, content *httptest.Server

	mu       sync.Mutex
	repos    map[string]*repo
	blobs    map[string]Content // by SHA-256, what the content network has
	signed   map[string]bool    // signatures that are valid
	issued   int
	token    string // what private repositories want; "" is none
	refusals int    // requests yet to be answered with 429
	seen     []Request
	mangle   func(http.ResponseWriter, *http.Request) bool
}

// Request is one request that a server of the stand-in got.
type Request struct {
	Content       bool // to the content network
	Path          string
	Authorization string
}

// New starts the two servers on loopback. Close ends them.
func New() *Hub {
	h := &Hub{repos: map[string]*repo{}, blobs: map[string]Content{}, signed: map[string]bool{}}
	h.hub = httptest.NewServer(h.logged(false, h.api))
	h.content = httptest.NewServer(h.logged(true, h.serveBlob))
	return h
}

// NewOn starts the two servers with listeners of the caller's: the hub's, and the content network's.
func NewOn(hub, content net.Listener) *Hub {
	h := &Hub{repos: map[string]*repo{}, blobs: map[string]Content{}, signed: map[string]bool{}}
	start := func(l net.Listener, handler http.Handler) *httptest.Server {
		server := httptest.NewUnstartedServer(handler)
		_ = server.Listener.Close()
		server.Listener = l
		server.Start()
		return server
	}
	h.hub = start(hub, h.logged(false, h.api))
	h.content = start(content, h.logged(true, h.serveBlob))
	return h
}

// URL is the endpoint, for HF_ENDPOINT.
func (h *Hub) URL() string { return h.hub.URL }

// Close ends the servers and the connections to them.
func (h *Hub) Close() {
	h.hub.Close()
	h.content.Close()
}

// Requests are all requests so far.
func (h *Hub) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Request(nil), h.seen...)
}

// RequireToken makes all repositories private to who has the token.
func (h *Hub) RequireToken(token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.token = token
}

// Refuse answers the next n requests with 429, as the Hub's rate limit does.
func (h *Hub) Refuse(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusals = n
}

// ExpireSignatures makes every URL of the content network that was given out so far useless.
func (h *Hub) ExpireSignatures() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.signed)
}

// Mangle shows every request for content (of either server, not of the API) to f first,
// which reports whether it answered.
func (h *Hub) Mangle(f func(http.ResponseWriter, *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mangle = f
}

func (h *Hub) logged(content bool, serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.seen = append(h.seen, Request{content, r.URL.Path, r.Header.Get("Authorization")})
		limited := h.refusals > 0
		if limited {
			h.refusals--
		}
		mangle := h.mangle
		h.mu.Unlock()
		w.Header().Set("X-Request-Id", "Root=1-stand-in")
		switch {
		case limited:
			w.Header().Set("RateLimit", `"resolvers";r=0;t=1`)
			w.Header().Set("RateLimit-Policy", `"fixed window";"resolvers";q=3000;w=300`)
			refuse(w, http.StatusTooManyRequests, "", "You have reached the rate limit")
		case mangle != nil && !strings.HasPrefix(r.URL.Path, "/api/") && mangle(w, r):
		default:
			serve(w, r)
		}
	})
}

// refuse answers as the Hub does: what went wrong is in headers.
func refuse(w http.ResponseWriter, status int, code, message string) {
	if code != "" {
		w.Header().Set("X-Error-Code", code)
	}
	w.Header().Set("X-Error-Message", message)
	w.WriteHeader(status)
}
