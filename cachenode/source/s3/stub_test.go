// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" // what S3 makes ETags of
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// object is one object of a stub.
type object struct {
	data    []byte
	etag    string // "" is the MD5 of data
	version string
	header  map[string]string // more headers for HEAD
}

// stub is the part of S3 that a Source uses, for the bucket "b", with a hook to
// misbehave in. The hook sees every request first and says whether it answered.
type stub struct {
	t    *testing.T
	hook func(w http.ResponseWriter, r *http.Request) bool

	mu      sync.Mutex
	objects map[string]object
	seen    []string // "GET /b/key?query", in order
	pageOf  int      // keys in a page of a listing, 0 is 1000
}

func newStub(t *testing.T, objects map[string]object) *stub {
	t.Helper()
	return &stub{t: t, objects: objects}
}

// source starts the stub and returns a Source for it that does not wait.
func (s *stub) source(change ...func(*Config)) *Source {
	s.t.Helper()
	server := httptest.NewServer(s)
	s.t.Cleanup(server.Close)
	c := Config{Endpoint: server.URL, Anonymous: true, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c)
	}
	src, err := New(s.t.Context(), c)
	if err != nil {
		s.t.Fatal(err)
	}
	src.pause = func(context.Context, time.Duration) error { return nil }
	s.t.Cleanup(func() { _ = src.Close() })
	return src
}

func (s *stub) put(key string, o object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = o
}

// count is the number of requests so far that begin with what.
func (s *stub) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, request := range s.seen {
		if strings.HasPrefix(request, what) {
			n++
		}
	}
	return n
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.Method+" "+r.URL.RequestURI())
	s.mu.Unlock()
	if s.hook != nil && s.hook(w, r) {
		return
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case bucket != "b":
		refuse(w, 404, "NoSuchBucket", "no such bucket")
	case r.URL.Query().Get("list-type") == "2":
		s.list(w, r.URL.Query())
	default:
		s.object(w, r, key)
	}
}

func (s *stub) list(w http.ResponseWriter, q url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	size, taken, after := cmp.Or(s.pageOf, 1000), 0, q.Get("continuation-token")
	dirs := map[string]bool{}
	b.WriteString(`<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType>`)
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		rest, under := strings.CutPrefix(key, q.Get("prefix"))
		if !under || key <= after {
			continue
		}
		if dir, _, ok := strings.Cut(rest, "/"); ok && q.Get("delimiter") == "/" {
			dirs[q.Get("prefix")+dir+"/"] = true
			continue
		}
		if taken == size {
			fmt.Fprintf(&b, "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", after)
			break
		}
		taken++
		after = key
		fmt.Fprintf(&b, "<Contents><Key>%s</Key><Size>%d</Size></Contents>", url.QueryEscape(key), len(s.objects[key].data))
	}
	for dir := range dirs {
		fmt.Fprintf(&b, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", url.QueryEscape(dir))
	}
	b.WriteString("</ListBucketResult>")
	_, _ = w.Write([]byte(b.String()))
}

func (s *stub) object(w http.ResponseWriter, r *http.Request, key string) {
	s.mu.Lock()
	o, ok := s.objects[key]
	s.mu.Unlock()
	if !ok {
		refuse(w, 404, "NoSuchKey", "no such key")
		return
	}
	for name, value := range o.header {
		w.Header().Set(name, value)
	}
	w.Header().Set("ETag", o.tag())
	if o.version != "" {
		w.Header().Set("X-Amz-Version-Id", o.version)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(o.data)) // knows Range and If-Match
}

func (o object) tag() string {
	sum := md5.Sum(o.data)
	return cmp.Or(o.etag, `"`+hex.EncodeToString(sum[:])+`"`)
}

// file is what Resolve says of o.
func (o object) file(key string) cachenode.File {
	return cachenode.File{Path: "f", Size: int64(len(o.data)), Source: cachenode.Identity{Key: key, ETag: o.tag(), VersionID: o.version}}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("X-Amz-Request-Id", "REQ1")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

// content is n bytes that differ from place to place.
func content(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i*7 + i>>8)
	}
	return data
}

// origin is where src finds the stub's objects.
func origin(src *Source) cachenode.Origin {
	return cachenode.Origin{Scheme: "s3", Endpoint: src.Endpoint(), Bucket: "b"}
}

func ref(t *testing.T, uri string) cachenode.Ref {
	t.Helper()
	r, err := cachenode.ParseRef(uri)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func paths(m cachenode.Manifest) string {
	var names []string
	for _, f := range m.Files {
		names = append(names, f.Path)
	}
	return strings.Join(names, " ")
}
