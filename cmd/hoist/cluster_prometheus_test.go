// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/test/promtest"
)

// A real Prometheus behind a proxy that wants a token and a tenant, as OpenShift's does, is asked with both, and for a file, too. One that does not
// answer is said to lack nothing.
func TestDoctor_AsksAPrometheusThatAsksWhoItIs(t *testing.T) {
	t.Parallel()
	address, stop := prometheusOf(t, "vllm:num_requests_running")
	behind := httputil.NewSingleHostReverseProxy(address)
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer open-sesame" || r.Header.Get("X-Scope-OrgID") != "team-a" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(door.Close)
	me, sound := t.TempDir(), filepath.Join(t.TempDir(), "sound.yaml")
	for path, content := range map[string]string{filepath.Join(me, "token"): "open-sesame\n", sound: aScaledObject} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := newFakeCluster(t, interceptor.Funcs{})
	ask := func(more ...string) outcome { return f.run(append([]string{"doctor", "-f", sound}, more...)...) }
	known := []string{"--prometheus", door.URL, "--prometheus-identity", me, "--prometheus-header", "X-Scope-OrgID=team-a"}

	ask("--prometheus", door.URL).want(t, exitFailure, "--prometheus "+door.URL)
	o := ask(known...)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(o.stdout, "no metric vllm:num_requests_waiting now") && time.Now().Before(deadline); o = ask(known...) {
		<-time.After(50 * time.Millisecond)
	}
	o.want(t, exitFailure, "1 of what was found is an Error")
	o.says(t, "Prometheus has no metric vllm:num_requests_waiting now", "[metric-not-in-prometheus]")
	if strings.Contains(o.stdout+o.stderr, "open-sesame") {
		t.Error("it tells the token: " + o.stdout + o.stderr)
	}
	stop()
	if o := ask(known...); o.code != exitFailure || strings.Contains(o.stdout, "no metric") || !strings.Contains(o.stderr, "--prometheus "+door.URL) {
		t.Errorf("of one that is gone it says %+v", o)
	}
	ask("--prometheus-identity", me).want(t, exitUsage, "need --prometheus")
	ask("--prometheus", door.URL, "--prometheus-identity", t.TempDir()).want(t, exitUsage, "has none of token")
}

// prometheusOf is a Prometheus that scrapes a server with one metric, and what ends it.
func prometheusOf(t *testing.T, metric string) (*url.URL, func()) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE %s gauge\n%s 1\n", metric, metric)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	config := fmt.Sprintf("scrape_configs: [{job_name: servers, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{targets: ['%s']}]}]\n", strings.TrimPrefix(server.URL, "http://"))
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address, stop := promtest.Start(t, dir)
	return &url.URL{Scheme: "http", Host: address}, stop
}
