// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// fetch opens r of o as key "k" and reads it to its end.
func fetch(t *testing.T, src *Source, f cachenode.File, r cachenode.Range) ([]byte, error) {
	t.Helper()
	body, err := src.Open(t.Context(), origin(src), f, r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func TestOpen_StreamsExactlyTheRange(t *testing.T) {
	t.Parallel()
	o := object{data: content(100_000)}
	stub := newStub(t, map[string]object{"k": o})
	src := stub.source()
	for _, r := range []cachenode.Range{{Off: 0, Len: 1}, {Off: 0, Len: 100_000}, {Off: 99_999, Len: 1}, {Off: 4096, Len: 60_000}} {
		got, err := fetch(t, src, o.file("k"), r)
		if err != nil || !bytes.Equal(got, o.data[r.Off:r.End()]) {
			t.Errorf("%+v: %d bytes, %v", r, len(got), err)
		}
	}
	before := stub.count("")
	for _, r := range []cachenode.Range{{Off: -1, Len: 2}, {Off: 0, Len: 0}, {Off: 0, Len: 100_001}, {Off: 100_000, Len: 1}, {Off: 1, Len: 1<<63 - 1}} {
		if _, err := fetch(t, src, o.file("k"), r); !errors.Is(err, cachenode.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", r, err)
		}
	}
	elsewhere := origin(src)
	elsewhere.Endpoint = "https://other.example.com"
	if _, err := src.Open(t.Context(), elsewhere, o.file("k"), cachenode.Range{Len: 1}); !errors.Is(err, cachenode.ErrInvalid) {
		t.Errorf("another endpoint: %v, want ErrInvalid", err)
	}
	if stub.count("") != before {
		t.Error("an impossible range was asked for")
	}
}

// A6: an answer that is short, long or another range is an error, never content.
func TestOpen_RefusesEveryWrongAnswer(t *testing.T) {
	t.Parallel()
	const size, off, n = 10_000, 1000, 500
	o := object{data: content(size)}
	// reply writes an answer by hand; Content-Length is declared, sent is what follows.
	reply := func(status int, span string, declared, sent int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", o.tag())
			if span != "" {
				w.Header().Set("Content-Range", span)
			}
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			if declared >= 0 {
				w.Header().Set("Content-Length", fmt.Sprint(declared))
			}
			w.WriteHeader(status)
			_, _ = w.Write(o.data[off : off+sent])
			if declared < 0 {
				w.(http.Flusher).Flush() // without a length this makes it chunked
			} else if sent < declared {
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
		}
	}
	good := fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, size)
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		want   error // nil: the bytes
	}{
		"00 right":                     {reply(206, good, n, n), nil},
		"00 right, chunked":            {reply(206, good, -1, n), nil},
		"00 right, upload framing":     {reply(206, good, n, n, "Content-Encoding", "aws-chunked"), nil},
		"01 cut with a full length":    {reply(206, good, n, n/2), cachenode.ErrIncomplete},
		"02 cut before the first byte": {reply(206, good, n, 0), cachenode.ErrIncomplete},
		"03 short length":              {reply(206, good, n/2, n/2), cachenode.ErrUnavailable},
		"04 long length":               {reply(206, good, n+1, n+1), cachenode.ErrUnavailable},
		"05 short, chunked":            {reply(206, good, -1, n/2), cachenode.ErrIncomplete},
		"06 long, chunked":             {reply(206, good, -1, n+1), cachenode.ErrUnavailable},
		"07 200 for 206":               {reply(200, "", n, n), cachenode.ErrUnavailable},
		"08 200 with all of it":        {reply(200, "", size, size-off), cachenode.ErrUnavailable},
		"09 shifted Content-Range":     {reply(206, fmt.Sprintf("bytes %d-%d/%d", off+1, off+n, size), n, n), cachenode.ErrUnavailable},
		"10 no Content-Range":          {reply(206, "", n, n), cachenode.ErrUnavailable},
		"11 another total":             {reply(206, fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, size+1), n, n), cachenode.ErrChanged},
		"12 gzip":                      {reply(206, good, n, n, "Content-Encoding", "gzip"), cachenode.ErrUnavailable},
		"13 nonsense in Content-Range": {reply(206, "bytes x-y/*", n, n), cachenode.ErrUnavailable},
		"14 multipart ranges":          {reply(206, "", n, n, "Content-Type", "multipart/byteranges; boundary=x"), cachenode.ErrUnavailable},
		"15 no content":                {reply(204, "", 0, 0), cachenode.ErrUnavailable},
		"16 weakened ETag":             {reply(206, good, n, n, "ETag", "W/"+o.tag()), cachenode.ErrChanged},
		"17 ETag without its quotes":   {reply(206, good, n, n, "ETag", strings.Trim(o.tag(), `"`)), cachenode.ErrChanged},
		"18 content type of an error":  {reply(206, good, n, n, "Content-Type", "application/xml"), nil},
		"19 not satisfiable":           {reply(416, "bytes */7", 0, 0), cachenode.ErrChanged},
		"20 gone":                      {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "NoSuchKey", "") }, cachenode.ErrChanged},
		"21 version gone":              {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "NoSuchVersion", "") }, cachenode.ErrChanged},
		"22 bucket gone":               {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "NoSuchBucket", "") }, cachenode.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stub := newStub(t, nil)
			stub.hook = func(w http.ResponseWriter, r *http.Request) bool { row.answer(w, r); return true }
			src := stub.source()
			got, err := fetch(t, src, o.file("k"), cachenode.Range{Off: off, Len: n})
			switch {
			case row.want == nil && (err != nil || !bytes.Equal(got, o.data[off:off+n])):
				t.Errorf("%d bytes, %v", len(got), err)
			case row.want != nil && cachenode.KindOf(err) != row.want:
				t.Errorf("%v, want kind %v", err, row.want)
			}
			if requests := stub.count("GET"); requests != 1 {
				t.Errorf("%d requests, Open is one", requests)
			}
		})
	}
}

func TestOpen_TakesAPlain200ForTheWholeObject(t *testing.T) {
	t.Parallel()
	o := object{data: content(5000)}
	stub := newStub(t, nil)
	stub.hook = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("ETag", o.tag())
		_, _ = w.Write(o.data)
		return true
	}
	got, err := fetch(t, stub.source(), o.file("k"), cachenode.Range{Len: 5000})
	if err != nil || !bytes.Equal(got, o.data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A5: (a) the server refuses with 412, (b) it ignores If-Match and answers with the new
// ETag, (c) the replacement has the same size; and with versions, the old one is read.
func TestOpen_NeverReadsAReplacement(t *testing.T) {
	t.Parallel()
	for name, ignore := range map[string]bool{"412": false, "If-Match ignored": true} {
		for _, size := range []int{5000, 6000} {
			t.Run(fmt.Sprint(name, " size ", size), func(t *testing.T) {
				t.Parallel()
				old := object{data: content(5000)}
				stub := newStub(t, map[string]object{"k": old})
				stub.hook = func(_ http.ResponseWriter, r *http.Request) bool {
					if r.Header.Get("If-Match") != old.tag() {
						t.Errorf("If-Match %q", r.Header.Get("If-Match"))
					}
					if ignore {
						r.Header.Del("If-Match")
					}
					return false
				}
				src := stub.source()
				if _, err := fetch(t, src, old.file("k"), cachenode.Range{Len: 100}); err != nil {
					t.Fatal(err)
				}
				stub.put("k", object{data: bytes.Repeat([]byte{9}, size)})
				if _, err := fetch(t, src, old.file("k"), cachenode.Range{Off: 100, Len: 100}); cachenode.KindOf(err) != cachenode.ErrChanged {
					t.Errorf("%v, want ErrChanged", err)
				}
			})
		}
	}
}

func TestOpen_AsksForThePinnedVersionAndRefusesAnother(t *testing.T) {
	t.Parallel()
	o := object{data: content(100), version: "v1"}
	stub := newStub(t, map[string]object{"k": o})
	src := stub.source()
	if _, err := fetch(t, src, o.file("k"), cachenode.Range{Len: 100}); err != nil {
		t.Fatal(err)
	}
	if stub.count("GET /b/k?versionId=v1") != 1 {
		t.Errorf("requests: %v", stub.seen)
	}
	other := o
	other.version = "v2" // same bytes and ETag
	stub.put("k", other)
	if _, err := fetch(t, src, o.file("k"), cachenode.Range{Len: 100}); cachenode.KindOf(err) != cachenode.ErrChanged {
		t.Errorf("%v, want ErrChanged", err)
	}
}

// A policy with s3:GetObject alone refuses GET by version id, even of the newest.
func TestOpen_ReadsTheNewestWhereVersionsAreDenied(t *testing.T) {
	t.Parallel()
	o := object{data: content(100), version: "v1"}
	stub := newStub(t, map[string]object{"k": o})
	stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("versionId") {
			refuse(w, 403, "AccessDenied", "no s3:GetObjectVersion")
			return true
		}
		return false
	}
	replaced := o.file("k")
	replaced.Source.ETag = `"before"`
	if _, err := fetch(t, stub.source(), replaced, cachenode.Range{Len: 100}); cachenode.KindOf(err) != cachenode.ErrChanged {
		t.Errorf("replaced before the first request: %v, want ErrChanged", err)
	}
	before := stub.count("GET")
	src := stub.source()
	for range 3 {
		if _, err := fetch(t, src, o.file("k"), cachenode.Range{Len: 100}); err != nil {
			t.Fatal(err)
		}
	}
	if n := stub.count("GET") - before; n != 4 {
		t.Errorf("%d requests, want 1 refused and 3 more", n)
	}
	other := object{data: content(101), version: "v2"}
	stub.put("k", other)
	if _, err := fetch(t, src, o.file("k"), cachenode.Range{Len: 100}); cachenode.KindOf(err) != cachenode.ErrChanged {
		t.Errorf("replaced: %v, want ErrChanged", err)
	}
}

func TestOpen_CancelUnblocksRead(t *testing.T) {
	t.Parallel()
	o := object{data: content(1000)}
	stub := newStub(t, nil)
	stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("ETag", o.tag())
		w.Header().Set("Content-Range", "bytes 0-999/1000")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(206)
		_, _ = w.Write(o.data[:10])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}
	src := stub.source()
	ctx, cancel := context.WithCancelCause(t.Context())
	body, err := src.Open(ctx, origin(src), o.file("k"), cachenode.Range{Len: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	reason := errors.New("the last waiter left")
	cancel(reason)
	if _, err := body.Read(make([]byte, 10)); !errors.Is(err, reason) {
		t.Errorf("Read: %v, want the reason of the cancel", err)
	}
	_ = body.Close()
}

// A reader that gives up must neither wait for the rest nor leave anything behind
// (goleak in TestMain).
func TestOpen_CloseDoesNotReadTheRest(t *testing.T) {
	t.Parallel()
	o := object{data: content(1000)}
	stub := newStub(t, nil)
	left := make(chan struct{})
	stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("ETag", o.tag())
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", 1<<40-1, 1<<40))
		w.Header().Set("Content-Length", fmt.Sprint(1<<40))
		w.WriteHeader(206)
		for r.Context().Err() == nil {
			if _, err := w.Write(o.data); err != nil {
				break
			}
		}
		close(left)
		return true
	}
	src := stub.source()
	f := o.file("k")
	f.Size = 1 << 40
	body, err := src.Open(t.Context(), origin(src), f, cachenode.Range{Len: f.Size})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(body, make([]byte, 1<<16)); err != nil {
		t.Fatal(err)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	<-left
}

// A connection serves one range after the other.
func TestOpen_ReusesTheConnectionOfAReadStream(t *testing.T) {
	t.Parallel()
	o := object{data: content(1 << 20)}
	stub := newStub(t, map[string]object{"k": o})
	src := stub.source()
	peers := map[string]bool{}
	stub.hook = func(_ http.ResponseWriter, r *http.Request) bool { peers[r.RemoteAddr] = true; return false }
	for i := range 8 {
		body, err := src.Open(t.Context(), origin(src), o.file("k"), cachenode.Range{Off: int64(i) << 17, Len: 1 << 17})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(body, make([]byte, 1<<17)); err != nil { // no Read that sees io.EOF
			t.Fatal(err)
		}
		_ = body.Close()
	}
	if len(peers) != 1 {
		t.Errorf("%d connections for 8 ranges, one after the other", len(peers))
	}
}
