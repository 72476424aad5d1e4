// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// serve answers /healthz, gives files under /files/ and keeps a number: POST /gauge sets it, /metrics shows it as the metric
// testpod_gauge.
func serve(ctx context.Context, arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("serve takes an address")
	}
	server := &http.Server{Addr: arguments[0], Handler: newHandler(), ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newHandler() http.Handler {
	var gauge atomic.Value
	gauge.Store("0")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("GET /files/", http.StripPrefix("/files", http.FileServerFS(os.DirFS("/"))))
	mux.HandleFunc("POST /gauge", func(w http.ResponseWriter, r *http.Request) {
		value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		gauge.Store(string(value))
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE testpod_gauge gauge\ntestpod_gauge %s\n", gauge.Load())
	})
	return mux
}

func probe(ctx context.Context, arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("probe takes a URL")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, arguments[0], http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", arguments[0], response.Status)
	}
	return nil
}

func cat(_ context.Context, arguments []string) error {
	for _, path := range arguments {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := os.Stdout.Write(content); err != nil {
			return err
		}
	}
	return nil
}
