// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/s3test/versity"
)

// Origin is a bucket of the cluster's S3 server behind a road that tests watch and block: a proxy of this process, which pods reach
// and the real server checks every request of.
type Origin struct {
	Endpoint string
	Bucket   string
	S3       harness.S3 // its keys

	bucket *versity.Bucket
	gets   atomic.Int64 // requests for bytes of objects
	bytes  atomic.Int64
	down   atomic.Bool
	delay  atomic.Int64 // nanoseconds before each answer
}

// NewOrigin makes a bucket and the road to it.
func NewOrigin(tb testing.TB, c *harness.Cluster, bucket string) *Origin {
	tb.Helper()
	o := &Origin{Bucket: bucket, S3: c.S3()}
	config := versity.Config{Region: o.S3.Region, AccessKey: o.S3.AccessKey, SecretKey: o.S3.SecretKey}
	var err error
	if o.bucket, err = versity.MakeBucket(tb.Context(), o.S3.Endpoint, config, bucket, http.DefaultClient); err != nil {
		tb.Fatal(err)
	}
	target, err := url.Parse(o.S3.Endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", net.JoinHostPort(c.Computer(), "0"))
	if err != nil {
		tb.Fatal(err)
	}
	o.Endpoint = "http://" + listener.Addr().String()
	proxy := &httputil.ReverseProxy{
		// The Host that the client signed stays.
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ModifyResponse: func(r *http.Response) error { r.Body = counted{r.Body, &o.bytes}; return nil },
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) {}, // the client has gone
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		if r.Method == http.MethodGet && r.Header.Get("Range") != "" {
			o.gets.Add(1)
		}
		if !pause(r.Context(), time.Duration(o.delay.Load())) {
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	tb.Cleanup(func() { _ = server.Close(); <-served })
	return o
}

// Down has the origin answer 503 to everything, or work again.
func (o *Origin) Down(down bool) { o.down.Store(down) }

// Delay has every answer come that much later.
func (o *Origin) Delay(d time.Duration) { o.delay.Store(int64(d)) }

// Gets counts the requests for bytes of objects so far.
func (o *Origin) Gets() int64 { return o.gets.Load() }

// Bytes counts the bytes that were answered so far.
func (o *Origin) Bytes() int64 { return o.bytes.Load() }

// Put stores an object.
func (o *Origin) Put(tb testing.TB, key string, content []byte) {
	tb.Helper()
	if err := o.bucket.Put(tb.Context(), key, content); err != nil {
		tb.Fatal(err)
	}
}

// PutModel stores a synthetic model below prefix, and returns its files.
func (o *Origin) PutModel(tb testing.TB, prefix string, options synth.Options) map[string][]byte {
	tb.Helper()
	files, err := synth.Plan(options)
	if err != nil {
		tb.Fatal(err)
	}
	contents := map[string][]byte{}
	for _, file := range files {
		var content bytes.Buffer
		if _, err := file.WriteTo(&content); err != nil {
			tb.Fatal(err)
		}
		contents[file.Path] = content.Bytes()
		o.Put(tb, prefix+file.Path, content.Bytes())
	}
	return contents
}

func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

type counted struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}
