// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// What a person reads when an origin refuses: the golden table of errors.go.
func TestFault_EveryRefusalHasAKindAndAHint(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status int
		code   string
		kind   error
		class  cachenode.Class
		hint   string // part of it
	}{
		{403, "AccessDenied", cachenode.ErrDenied, cachenode.Permanent, "s3:GetObject"},
		{403, "AllAccessDisabled", cachenode.ErrDenied, cachenode.Permanent, "owner"},
		{403, "InvalidAccessKeyId", cachenode.ErrDenied, cachenode.Permanent, "AWS_PROFILE"},
		{403, "SignatureDoesNotMatch", cachenode.ErrDenied, cachenode.Permanent, "AWS_PROFILE"},
		{403, "InvalidObjectState", cachenode.ErrDenied, cachenode.Permanent, "Glacier"},
		{400, "KMS.DisabledException", cachenode.ErrDenied, cachenode.Permanent, "kms:Decrypt"},
		{400, "ExpiredToken", cachenode.ErrExpired, cachenode.Retryable, "renew"},
		{400, "TokenRefreshRequired", cachenode.ErrExpired, cachenode.Retryable, "renew"},
		{403, "RequestTimeTooSkewed", cachenode.ErrClockSkew, cachenode.Permanent, "15 minutes"}, // C4
		{503, "SlowDown", cachenode.ErrThrottled, cachenode.Throttled, ""},
		{503, "ServiceUnavailable", cachenode.ErrThrottled, cachenode.Throttled, ""},
		{429, "TooManyRequests", cachenode.ErrThrottled, cachenode.Throttled, ""},
		{400, "RequestTimeout", cachenode.ErrUnavailable, cachenode.Retryable, ""},
		{500, "InternalError", cachenode.ErrUnavailable, cachenode.Retryable, ""},
		{502, "", cachenode.ErrUnavailable, cachenode.Retryable, ""},
		{504, "", cachenode.ErrUnavailable, cachenode.Retryable, ""},
		{404, "NoSuchBucket", cachenode.ErrNotFound, cachenode.Permanent, "bucket"},
		{404, "NoSuchKey", cachenode.ErrChanged, cachenode.Restart, ""},
		{404, "", cachenode.ErrChanged, cachenode.Restart, ""},
		{405, "MethodNotAllowed", cachenode.ErrChanged, cachenode.Restart, ""},
		{412, "PreconditionFailed", cachenode.ErrChanged, cachenode.Restart, ""},
		{416, "InvalidRange", cachenode.ErrChanged, cachenode.Restart, ""},
		{400, "AuthorizationHeaderMalformed", cachenode.ErrInvalid, cachenode.Permanent, "AWS_REGION"},
		{401, "", cachenode.ErrDenied, cachenode.Permanent, ""},
		{403, "SomethingNew", cachenode.ErrDenied, cachenode.Permanent, ""},
		{302, "", cachenode.ErrInvalid, cachenode.Permanent, "redirects are not followed"},
		{400, "SomethingNew", cachenode.ErrInvalid, cachenode.Permanent, ""},
	} {
		stub := newStub(t, nil)
		stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if row.code != "" {
				w.Header().Set("Retry-After", "7")
				refuse(w, row.status, row.code, "said the server")
			} else {
				w.WriteHeader(row.status)
			}
			return true
		}
		_, err := fetch(t, stub.source(), object{data: content(10)}.file("k"), cachenode.Range{Len: 10})
		if cachenode.KindOf(err) != row.kind || cachenode.ClassOf(err) != row.class || !strings.Contains(err.Error(), row.hint) {
			t.Errorf("%d %s: %v, want %v", row.status, row.code, err, row.kind)
			continue
		}
		if errors.Is(err, cachenode.ErrThrottled) && cachenode.RetryAfter(err) != 7*time.Second {
			t.Errorf("%d %s: Retry-After %v", row.status, row.code, cachenode.RetryAfter(err))
		}
		if !strings.HasPrefix(err.Error(), "get s3://b/k: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d %s: not one line that names the thing: %v", row.status, row.code, err)
		}
	}
}

// A HEAD is refused without a word; the reason is asked for.
func TestFault_NamesTheReasonBehindARefusedHead(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]error{"RequestTimeTooSkewed": cachenode.ErrClockSkew, "ExpiredToken": cachenode.ErrExpired, "AccessDenied": cachenode.ErrDenied} {
		stub := newStub(t, objects("m/a"))
		stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/a") {
				return false
			}
			refuse(w, map[bool]int{true: 400, false: 403}[code == "ExpiredToken"], code, "")
			return true
		}
		if _, err := stub.source().Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{}); cachenode.KindOf(err) != kind {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// J4: a redirect is never followed, whatever its status and wherever it leads.
func TestOpen_RedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	t.Cleanup(trap.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		stub := newStub(t, nil)
		stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, trap.URL+"/latest/meta-data/", status)
			return true
		}
		_, err := fetch(t, stub.source(), object{data: content(10)}.file("k"), cachenode.Range{Len: 10})
		if cachenode.KindOf(err) != cachenode.ErrInvalid {
			t.Errorf("%d: %v, want ErrInvalid", status, err)
		}
	}
}

func TestFault_NetworkFailures(t *testing.T) {
	t.Parallel()
	refusing, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + refusing.Addr().String()
	_ = refusing.Close()
	hangup := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(hangup.Close)
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	for endpoint, want := range map[string]error{
		closed:        cachenode.ErrUnavailable,
		hangup.URL:    cachenode.ErrUnavailable,
		untrusted.URL: cachenode.ErrTLS,
		strings.Replace(hangup.URL, "http:", "https:", 1): cachenode.ErrTLS,
		"http://169.254.169.254":                          cachenode.ErrUnsafe, // J4
		"http://[fd00:ec2::254]":                          cachenode.ErrUnsafe,
		"http://[::ffff:169.254.169.254]":                 cachenode.ErrUnsafe,
	} {
		src := newStub(t, nil).source(func(c *Config) { c.Endpoint = endpoint })
		_, err := fetch(t, src, object{data: content(10)}.file("k"), cachenode.Range{Len: 10})
		if cachenode.KindOf(err) != want {
			t.Errorf("%s: %v, want %v", endpoint, err, want)
		}
		if errors.Is(err, cachenode.ErrTLS) && !strings.Contains(fmt.Sprint(err), "AWS_CA_BUNDLE") {
			t.Errorf("%s: no hint in %v", endpoint, err)
		}
	}
}
