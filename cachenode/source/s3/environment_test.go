// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hoist-dev/hoist/cachenode"
)

// The tests of this file set the environment, so they do not run in parallel.

func TestNew_FollowsTheAWSEnvironment(t *testing.T) {
	stub := newStub(t, objects("m/a"))
	server := httptest.NewServer(stub)
	t.Cleanup(server.Close)
	var signed atomic.Value
	stub.hook = func(_ http.ResponseWriter, r *http.Request) bool {
		signed.Store(r.Header.Get("Authorization"))
		return false
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "eu-central-1")
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, server.URL)
			resolveAt(t, Config{}, server.URL)
			if got := signed.Load().(string); !strings.Contains(got, "Credential=AKIDENV/") || !strings.Contains(got, "/eu-central-1/s3/") {
				t.Errorf("signed with %q", got)
			}
		})
	}
	t.Run("flags win", func(t *testing.T) {
		t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
		resolveAt(t, Config{Endpoint: server.URL, Region: "ap-south-1"}, server.URL)
		if got := signed.Load().(string); !strings.Contains(got, "/ap-south-1/s3/") {
			t.Errorf("signed with %q", got)
		}
	})
	t.Run("anonymous", func(t *testing.T) { //nolint:paralleltest // the environment is the process's
		resolveAt(t, Config{Endpoint: server.URL, Anonymous: true}, server.URL)
		if got := signed.Load().(string); got != "" {
			t.Errorf("signed with %q", got)
		}
	})
	t.Run("profile", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "config")
		text := "[profile p]\nregion = sa-east-1\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\nendpoint_url = " + server.URL + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("AWS_CONFIG_FILE", file)
		t.Setenv("AWS_REGION", "")
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		resolveAt(t, Config{Profile: "p"}, server.URL)
		if got := signed.Load().(string); !strings.Contains(got, "Credential=AKIDPROFILE/") || !strings.Contains(got, "/sa-east-1/s3/") {
			t.Errorf("signed with %q", got)
		}
		if _, err := New(t.Context(), Config{Profile: "nobody"}); !errors.Is(err, cachenode.ErrInvalid) {
			t.Errorf("no such profile: %v", err)
		}
	})
}

func resolveAt(t *testing.T, c Config, endpoint string) {
	t.Helper()
	src, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m, err := src.Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{})
	if err != nil || m.Origin.Endpoint != endpoint {
		t.Errorf("%+v, %v", m.Origin, err)
	}
}

func TestNew_RefusesEndpointsItCannotUse(t *testing.T) { //nolint:paralleltest // the environment is the process's
	for _, endpoint := range []string{"s3.example.com", "ftp://x", "http://", "https://u:canary@host", "https://host?sig=canary", "https://host/#x", "https://canary:x y"} {
		_, err := New(t.Context(), Config{Endpoint: endpoint})
		if !errors.Is(err, cachenode.ErrInvalid) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	if _, err := New(t.Context(), Config{CAFile: "/nowhere.pem"}); !errors.Is(err, cachenode.ErrInvalid) {
		t.Errorf("no CA file: %v", err)
	}
}

func TestNew_TrustsTheGivenCertificates(t *testing.T) {
	stub := newStub(t, objects("m/a"))
	server := httptest.NewUnstartedServer(stub)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	stub.hook = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.ProtoMajor != 1 {
			t.Errorf("%s, want one connection for each stream", r.Proto)
		}
		return false
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	resolveAt(t, Config{Endpoint: server.URL, Anonymous: true, CAFile: file}, server.URL)
	t.Setenv("AWS_CA_BUNDLE", file)
	resolveAt(t, Config{Endpoint: server.URL, Anonymous: true}, server.URL)
}

// issuer plays the container credentials endpoint (EKS Pod Identity, ECS): every call
// gives other keys.
func issuer(t *testing.T) *atomic.Int64 {
	t.Helper()
	var issued atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"AccessKeyId": fmt.Sprintf("AKID%d", issued.Add(1)), "SecretAccessKey": "canary-secret", "Token": "canary-token",
			"Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		})
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL+"/creds")
	return &issued
}

// C3: expired credentials are refreshed, once for all who met the refusal; a denial is
// final after one request.
func TestOpen_RefreshesExpiredCredentialsOnce(t *testing.T) { //nolint:paralleltest // the environment is the process's
	issued := issuer(t)
	o := object{data: content(100)}
	stub := newStub(t, map[string]object{"k": o})
	var together sync.WaitGroup
	together.Add(8)
	stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Authorization"), "Credential=AKID1/") {
			together.Done()
			together.Wait() // all requests hold the old credentials
			refuse(w, 400, "ExpiredToken", "The provided token has expired.")
			return true
		}
		return false
	}
	src := stub.source(func(c *Config) { c.Anonymous = false })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := fetch(t, src, o.file("k"), cachenode.Range{Len: 100}); cachenode.KindOf(err) != cachenode.ErrExpired {
				t.Errorf("%v, want ErrExpired", err)
			}
		})
	}
	all.Wait()
	if _, err := fetch(t, src, o.file("k"), cachenode.Range{Len: 100}); err != nil {
		t.Error(err)
	}
	if n := issued.Load(); n != 2 {
		t.Errorf("credentials were issued %d times, want 2", n)
	}
}

// A late refusal of credentials that were replaced since must not cost another refresh.
func TestCredentials_ForgetOncePerEpoch(t *testing.T) {
	t.Parallel()
	chain := &countingChain{}
	login := newCredentials(chain)
	old := login.since()
	login.expire(old)
	login.expire(old)
	if chain.forgotten != 1 {
		t.Errorf("forgotten %d times, want 1", chain.forgotten)
	}
	login.expire(login.since())
	if chain.forgotten != 2 {
		t.Errorf("forgotten %d times, want 2", chain.forgotten)
	}
}

type countingChain struct{ forgotten int }

func (c *countingChain) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, nil
}
func (c *countingChain) Invalidate() { c.forgotten++ }

func TestResolve_RefreshesExpiredCredentials(t *testing.T) { //nolint:paralleltest // the environment is the process's
	issuer(t)
	stub := newStub(t, objects("m/a"))
	stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Authorization"), "Credential=AKID1/") {
			refuse(w, 400, "ExpiredToken", "")
			return true
		}
		return false
	}
	if _, err := stub.source(func(c *Config) { c.Anonymous = false }).Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{}); err != nil {
		t.Error(err)
	}
}

func TestOpen_SaysHowToGiveCredentials(t *testing.T) { //nolint:paralleltest // the environment is the process's
	stub := newStub(t, nil)
	_, err := fetch(t, stub.source(func(c *Config) { c.Anonymous = false }), object{data: content(10)}.file("k"), cachenode.Range{Len: 10})
	if cachenode.KindOf(err) != cachenode.ErrDenied || !strings.Contains(err.Error(), "--anonymous") || stub.count("") != 0 {
		t.Errorf("%v", err)
	}
}

// Credentials that can't be got for now are worth another try.
func TestOpen_AnUnreachableIssuerIsUnavailable(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	t.Cleanup(server.Close)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL)
	_, err := fetch(t, newStub(t, nil).source(func(c *Config) { c.Anonymous = false }), object{data: content(10)}.file("k"), cachenode.Range{Len: 10})
	if class := cachenode.ClassOf(err); class != cachenode.Retryable && class != cachenode.Throttled {
		t.Errorf("%v", err)
	}
}

// J5: planted credentials appear in no error and no log, even when a server echoes
// everything it was sent.
func TestSource_NeverRepeatsACredential(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDcanary")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
	t.Setenv("AWS_SESSION_TOKEN", "canary-token")
	var logs bytes.Buffer
	var said []string
	for _, status := range []int{301, 400, 403, 404, 500, 503} {
		stub := newStub(t, nil)
		stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
			auth := r.Header.Get("Authorization")
			_, mark, _ := strings.Cut(auth, "Signature=")
			w.Header().Set("X-Amz-Bucket-Region", "eu-west-3")
			w.Header().Set("Location", "http://127.0.0.1:1/?X-Amz-Signature="+mark)
			refuse(w, status, "Weird", auth+" canary-token ?X-Amz-Security-Token=canary-token&amp;X-Amz-Signature="+mark)
			return true
		}
		src := stub.source(func(c *Config) {
			c.Anonymous = false
			c.Logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		_, err := src.Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{})
		said = append(said, fmt.Sprintf("%v %+v %#v", err, err, err))
		_, err = fetch(t, src, object{data: content(10)}.file("k"), cachenode.Range{Len: 10})
		said = append(said, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
	if logs.Len() == 0 {
		t.Fatal("nothing was logged: this proves nothing")
	}
	for _, text := range append(said, logs.String()) {
		if strings.Contains(text, "canary") || strings.Contains(strings.ReplaceAll(text, "Signature=[removed]", ""), "Signature=") {
			t.Errorf("a credential in %s", text)
		}
	}
}
