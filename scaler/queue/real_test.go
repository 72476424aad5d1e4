// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package queue_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/scaler/forecast"
	"github.com/hoist-dev/hoist/scaler/queue"
	"github.com/hoist-dev/hoist/test/promtest"
)

// A real Prometheus with nine days behind it: what it gives is what was measured, and enough for a forecast.
func TestHistory_OfARealPrometheus(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("promtool is not installed: apt-get install prometheus")
	}
	now := time.Now().Truncate(time.Minute)
	measured := func(at time.Time) float64 {
		if at.UTC().Hour() < 12 {
			return 40
		}
		return 4
	}
	dir := t.TempDir()
	const minutes = 9 * 24 * 60
	var text strings.Builder
	text.WriteString("# TYPE demand gauge\n")
	for i := range minutes {
		at := now.Add(time.Duration(i-minutes+1) * time.Minute)
		fmt.Fprintf(&text, "demand %g %d\n", measured(at), at.Unix())
	}
	text.WriteString("# EOF\n")
	for name, content := range map[string]string{"history.om": text.String(), "prometheus.yml": "{}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", filepath.Join(dir, "history.om"), filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p, err := queue.New(started(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.History(t.Context(), "max(demand)", now.Add(-28*24*time.Hour), now)
	if err != nil || len(got) < minutes-1 || len(got) > minutes {
		t.Fatalf("%d minutes of %d, %v", len(got), minutes, err)
	}
	for _, s := range got {
		if s.Rate != measured(s.At) {
			t.Fatalf("at %v it was %v, want %v", s.At, s.Rate, measured(s.At))
		}
	}
	if v, err := p.Now(t.Context(), "max(demand)", now); err != nil || v != measured(now) {
		t.Errorf("now it is %v, %v", v, err)
	}
	if _, err := p.Now(t.Context(), "max(other)", now); err == nil {
		t.Error("what is not there is a number")
	}
	peak, err := forecast.Fit(got, now.Add(time.Minute), time.UTC).Peak(now, time.Minute, 0.5)
	if err != nil || peak < 2 || peak > 60 {
		t.Errorf("the forecast is %v, %v", peak, err)
	}
}

// A real Prometheus says how often it scrapes the metric of a server.
func TestScrapeInterval_OfARealPrometheus(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "# HELP vllm:num_requests_running Running.\n# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 1\n")
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	config := "global: {scrape_interval: 1m}\nscrape_configs:\n  - {job_name: servers, scrape_interval: 2s, static_configs: [{targets: ['" + strings.TrimPrefix(server.URL, "http://") + "']}]}\n"
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := queue.New(started(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	var interval time.Duration
	for range 600 {
		if interval, err = p.ScrapeInterval(t.Context(), "vllm:num_requests_running"); err == nil {
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	if err != nil || interval != 2*time.Second {
		t.Errorf("every %v, %v", interval, err)
	}
	if _, err := p.ScrapeInterval(t.Context(), "nobody_has_it"); !errors.Is(err, queue.ErrUnknown) {
		t.Errorf("of a metric that is not there: %v", err)
	}
}

// A real Prometheus that asks for a certificate and a password is asked with both.
func TestIdentified_ByARealPrometheus(t *testing.T) {
	t.Parallel()
	ca := authority(t)
	client := issued(t, ca)
	dir := t.TempDir()
	for name, content := range map[string]string{"prometheus.yml": "{}\n", "ca.pem": string(ca.CertPEM), "web.yml": `
tls_server_config: {cert_file: web.crt, key_file: web.key, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}
basic_auth_users: {hoist: $2a$04$sFKJlhlZ.YkFCn0F4jPiYen7pNtbFYYWaTmd4iXvWpbhwH8kQ/1DS} # open sesame
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := issued(t, ca).Write(dir, "web"); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"username": "hoist", "password": "open sesame", "ca.crt": string(ca.CertPEM), "tls.crt": string(client.Cert), "tls.key": string(client.Key)}
	address := startedAs(t, dir, "https", queue.Identity{Folder: mounted(t, files).path}, "--web.config.file="+filepath.Join(dir, "web.yml"))
	files["password"] = "barley"
	if v, err := identified(t, address, queue.Identity{Folder: mounted(t, files).path}).Now(t.Context(), "vector(1)", time.Now()); err == nil {
		t.Errorf("with a wrong password it is %v", v)
	}
	delete(files, "tls.crt")
	delete(files, "tls.key")
	files["password"] = "open sesame"
	if v, err := identified(t, address, queue.Identity{Folder: mounted(t, files).path}).Now(t.Context(), "vector(1)", time.Now()); err == nil {
		t.Errorf("without a certificate it is %v", v)
	}
}

// started is the address of a Prometheus with the data of a folder.
func started(t *testing.T, dir string) string {
	t.Helper()
	return startedAs(t, dir, "http", queue.Identity{})
}

// startedAs is one that is asked by somebody.
func startedAs(t *testing.T, dir, scheme string, who queue.Identity, flags ...string) string {
	t.Helper()
	address, _ := promtest.Start(t, dir, flags...)
	p := identified(t, scheme+"://"+address, who)
	var err error
	for range 600 {
		if _, err = p.Now(t.Context(), "vector(1)", time.Now()); err == nil {
			return scheme + "://" + address
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatal(err)
	return ""
}
