// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	bucket = "models"
	prefix = "llama-bench/"
)

// origin is an S3 endpoint of one bucket that makes its bytes up, so that no disk
// but the one under test is busy, and costs little, because it shares the CPUs with
// the client that is measured.
type origin struct {
	scene    scene
	keys     []string
	server   *http.Server
	endpoint string
	bytes    *os.File         // of which every object is a repetition
	sums     map[int64]string // CRC64NVME of an object, by its size
	done     chan error
}

// startOrigin serves s on a free port of loopback.
func startOrigin(ctx context.Context, s scene) (*origin, error) {
	o := &origin{scene: s, done: make(chan error, 1)}
	for i := range s.files {
		o.keys = append(o.keys, fmt.Sprintf("%sweights-%05d-of-%05d", prefix, i+1, s.files))
	}
	var err error
	if o.bytes, err = pattern(); err != nil {
		return nil, err
	}
	if o.sums, err = checksums(o.bytes, s); err != nil {
		return nil, errors.Join(err, o.bytes.Close())
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, o.bytes.Close())
	}
	if s.rate > 0 {
		listener = shapedListener{listener, s.rate}
	}
	o.endpoint = "http://" + listener.Addr().String()
	o.server = &http.Server{Handler: http.HandlerFunc(o.serve), ReadHeaderTimeout: time.Minute}
	go func() { o.done <- o.server.Serve(listener) }()
	return o, nil
}

func (o *origin) close() error {
	err := errors.Join(o.server.Close(), o.bytes.Close())
	<-o.done
	return err
}

// path opens the pattern anew, though it has no name.
func (o *origin) path() string { return fmt.Sprintf("/proc/self/fd/%d", o.bytes.Fd()) }

func (o *origin) job(dir string) job {
	return job{endpoint: o.endpoint, bucket: bucket, prefix: prefix, keys: o.keys, size: o.scene.size, dir: dir}
}

// serve answers what downloaders ask: ListObjects, ListObjectsV2, HeadObject,
// GetObject with or without a range. Signatures are not looked at.
func (o *origin) serve(w http.ResponseWriter, r *http.Request) {
	time.Sleep(o.scene.latency) //nolint:forbidigo // it is the latency
	key := strings.TrimPrefix(r.URL.Path, "/"+bucket+"/")
	for i, k := range o.keys {
		if k == key {
			o.object(w, r, i)
			return
		}
	}
	if r.Method == http.MethodGet && strings.TrimSuffix(r.URL.Path, "/") == "/"+bucket {
		o.list(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>`))
}

func (o *origin) list(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/xml")
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><ListBucketResult><Name>` + bucket + `</Name><IsTruncated>false</IsTruncated><MaxKeys>1000</MaxKeys>`)
	for i, key := range o.keys {
		if strings.HasPrefix(key, r.URL.Query().Get("prefix")) {
			fmt.Fprintf(&b, `<Contents><Key>%s</Key><Size>%d</Size><ETag>&quot;%s&quot;</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified><StorageClass>STANDARD</StorageClass></Contents>`,
				key, o.scene.sizeOf(i), etag(i))
		}
	}
	b.WriteString(`</ListBucketResult>`)
	_, _ = w.Write([]byte(b.String()))
}

func (o *origin) object(w http.ResponseWriter, r *http.Request, i int) {
	size := o.scene.sizeOf(i)
	from, to, ranged := byteRange(r.Header.Get("Range"), size)
	h := w.Header()
	h.Set("ETag", `"`+etag(i)+`"`)
	if r.Header.Get("X-Amz-Checksum-Mode") != "" && r.Header.Get("Range") == "" {
		h.Set("X-Amz-Checksum-Crc64nvme", o.sums[size])
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	h.Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(to-from, 10))
	if ranged {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, size))
		w.WriteHeader(http.StatusPartialContent)
	}
	if r.Method == http.MethodGet {
		_ = o.send(w, from, to-from) // a client that hangs up is its own affair
	}
}

// etag is what S3 gives an object that was uploaded in parts, as large ones are.
func etag(i int) string { return fmt.Sprintf("%032x-256", i+1) }

// byteRange is the half-open range that a Range header asks for.
func byteRange(header string, size int64) (from, to int64, ranged bool) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, _ := strings.Cut(spec, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	if !ok || err != nil {
		return 0, size, false
	}
	to = size
	if n, err := strconv.ParseInt(last, 10, 64); err == nil {
		to = min(size, n+1)
	}
	return from, to, true
}
