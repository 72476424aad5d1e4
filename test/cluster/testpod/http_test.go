// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHandler_ServesFilesAndKeepsANumber(t *testing.T) {
	t.Parallel()
	handler := newHandler()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	const gauge = "# TYPE testpod_gauge gauge\ntestpod_gauge "
	for _, step := range []struct {
		method, path, body string
		code               int
		answer             string
	}{
		{http.MethodGet, "/healthz", "", http.StatusOK, "ok\n"},
		{http.MethodGet, "/files" + file, "", http.StatusOK, "content"},
		{http.MethodGet, "/files" + file + "2", "", http.StatusNotFound, "404 page not found\n"},
		{http.MethodGet, "/metrics", "", http.StatusOK, gauge + "0\n"},
		{http.MethodPost, "/gauge", "12.5", http.StatusOK, ""},
		{http.MethodPost, "/gauge", strings.Repeat("1", 65), http.StatusBadRequest, "http: request body too large\n"},
		{http.MethodGet, "/metrics", "", http.StatusOK, gauge + "12.5\n"},
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), step.method, step.path, strings.NewReader(step.body)))
		if answer.Code != step.code || answer.Body.String() != step.answer {
			t.Errorf("%s %s: %d, %q, want %d, %q", step.method, step.path, answer.Code, answer.Body, step.code, step.answer)
		}
	}
}

func TestServe_AnswersProbesUntilItIsToldToEnd(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.86.1.1:0") // where nobody else listens, so the port stays free
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	probe := func(path string) error { return run(t.Context(), []string{"probe", "http://" + address + path}) }
	if err := run(t.Context(), []string{"serve", address}); err == nil {
		t.Error("served where another listens")
	}
	free.Close()
	if err := probe("/healthz"); err == nil {
		t.Error("answered before it served")
	}

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"serve", address}) }()
	await(t, "it answers", func() bool { return probe("/healthz") == nil })
	if err := probe("/none"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("probe of what is not found: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("told to end, it says %v", err)
	}
}

func TestCat_WritesFilesOneAfterTheOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := program(t, "cat", filepath.Join(dir, "b"), filepath.Join(dir, "a")).Output()
	if err != nil || string(out) != "b\na\n" {
		t.Errorf("%q, %v", out, err)
	}
}
