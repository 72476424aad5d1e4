// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/test/hubtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newHub starts a stand-in and a Source for it that does not wait.
func newHub(t *testing.T, change ...func(*Config)) (*hubtest.Hub, *Source) {
	t.Helper()
	h := hubtest.New()
	t.Cleanup(h.Close)
	c := Config{Endpoint: h.URL()}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.pause = func(context.Context, time.Duration) error { return nil }
	t.Cleanup(func() { _ = s.Close() })
	return h, s
}

// The suite runs once with files that the hub serves itself, and once with files on the
// content network.
func TestSource_KeepsTheContract(t *testing.T) {
	t.Parallel()
	for kind, large := range map[string]bool{"git": false, "lfs": true} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cachetest.Source(t, func(t *testing.T) cachetest.SourceFixture { t.Helper(); return fixture(t, large) })
		})
	}
}

func fixture(t *testing.T, large bool) cachetest.SourceFixture {
	t.Helper()
	h, s := newHub(t)
	var mu sync.Mutex
	faults := map[string]func(http.ResponseWriter, *http.Request) bool{}
	h.Mangle(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if len(faults) == 0 || large && !strings.HasPrefix(r.URL.Path, "/xet") {
			return false
		}
		for _, f := range faults {
			return f(w, r)
		}
		return false
	})
	return cachetest.SourceFixture{
		Source: s, Base: "hf://o/r/",
		Put:    func(key string, content []byte) { h.Put("o/r", key, hubtest.Bytes(content), large) },
		Remove: func(key string) { h.Remove("o/r", key) },
		Holds:  func(key string) bool { return !strings.HasSuffix(key, "/") },
		Deny:   func() { h.RequireToken("another"); s.token = "wrong" },
		Refuse: h.Refuse,
		Misbehave: func(_ string, n int64, stall bool) {
			mu.Lock()
			defer mu.Unlock()
			faults["all"] = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Range", "bytes 0-9999/10000")
				w.Header().Set("Content-Length", "10000")
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(make([]byte, n))
				_ = http.NewResponseController(w).Flush()
				if stall {
					mu.Unlock()
					<-r.Context().Done()
					mu.Lock()
				}
				panic(http.ErrAbortHandler)
			}
		},
	}
}
