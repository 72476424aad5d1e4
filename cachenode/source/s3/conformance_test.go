// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode/cachetest"
)

func TestSource_KeepsTheContract(t *testing.T) {
	t.Parallel()
	cachetest.Source(t, func(t *testing.T) cachetest.SourceFixture {
		t.Helper()
		type fault struct {
			n     int64
			stall bool
		}
		stub, faults := newStub(t, map[string]object{}), map[string]fault{}
		var denied atomic.Bool
		var refusals atomic.Int32
		stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if denied.Load() {
				refuse(w, 403, "AccessDenied", "no")
				return true
			}
			if refusals.Add(-1) >= 0 {
				refuse(w, 503, "SlowDown", "later")
				return true
			}
			key := r.URL.Path[len("/b"):]
			bad, ok := faults[key]
			if !ok || r.Method != http.MethodGet || r.Header.Get("Range") == "" {
				return false
			}
			stub.mu.Lock()
			o := stub.objects[key[1:]]
			stub.mu.Unlock()
			w.Header().Set("ETag", o.tag())
			http.ServeContent(&cutWriter{w, bad.n, bad.stall, r}, r, "", time.Time{}, bytes.NewReader(o.data))
			return true
		}
		return cachetest.SourceFixture{
			Source: stub.source(), Base: "s3://b/",
			Put: func(key string, content []byte) { stub.put(key, object{data: content}) },
			Remove: func(key string) {
				stub.mu.Lock()
				defer stub.mu.Unlock()
				delete(stub.objects, key)
			},
			Deny:      func() { denied.Store(true) },
			Refuse:    func(n int) { refusals.Store(int32(n)) },
			Misbehave: func(key string, n int64, stall bool) { faults["/"+key] = fault{n, stall} },
		}
	})
}

// cutWriter ends an answer, or lets it hang, after left bytes of its body.
type cutWriter struct {
	http.ResponseWriter
	left  int64
	stall bool
	r     *http.Request
}

func (c *cutWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil || c.left > 0 {
		return n, err
	}
	if flusher, ok := c.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
	if c.stall {
		<-c.r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}
