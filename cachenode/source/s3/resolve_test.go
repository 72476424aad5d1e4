// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

func objects(keys ...string) map[string]object {
	all := map[string]object{}
	for _, key := range keys {
		all[key] = object{data: []byte("content of " + key)}
	}
	return all
}

// A7: what a ref takes, and what it never takes.
func TestResolve_APrefixIsADirectory(t *testing.T) {
	t.Parallel()
	all := objects("llama/config.json", "llama/sub/model.safetensors", "llama-hf/other.json", "llama.json", "one", "deep/er/x", "a b+c/ü%41.json")
	all["llama/"], all["llama/sub/"], all["void/"] = object{}, object{}, object{}
	for uri, want := range map[string]string{ // "" is ErrNotFound
		"s3://b/llama":                  "config.json sub/model.safetensors",
		"s3://b/llama/":                 "config.json sub/model.safetensors",
		"s3://b/llama/sub":              "model.safetensors",
		"s3://b/llama.json":             "llama.json",
		"s3://b/deep/er/x":              "x",
		"s3://b/deep":                   "er/x",
		"s3://b/one":                    "one",
		"s3://b/a b+c":                  "ü%41.json",
		"s3://b/one/":                   "",
		"s3://b/llam":                   "",
		"s3://b/llama/con":              "",
		"s3://b/void":                   "",
		"s3://b/void/":                  "",
		"s3://b/llama.json?versionId=x": "llama.json",
		"s3://c/llama":                  "",
	} {
		m, err := newStub(t, all).source().Resolve(t.Context(), ref(t, uri), cachenode.Selection{})
		if got := paths(m); got != want && err == nil || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", uri, got, err, want)
		}
		if err != nil && cachenode.KindOf(err) != cachenode.ErrNotFound {
			t.Errorf("%s: %v, want ErrNotFound", uri, err)
		}
	}
	m, err := newStub(t, all).source().Resolve(t.Context(), ref(t, "s3://b/"), cachenode.Selection{})
	if err != nil || len(m.Files) != 7 || m.Origin.Prefix != "" {
		t.Errorf("the whole bucket: %q, %v", paths(m), err)
	}
}

// A8: the manifest names the exact object.
func TestResolve_PinsWhatTheOriginSays(t *testing.T) {
	t.Parallel()
	stub := newStub(t, map[string]object{
		"m/a": {data: content(10), version: "v7", header: map[string]string{"X-Amz-Checksum-Crc64nvme": "AAAAAAAAAAA=", "X-Amz-Checksum-Type": "FULL_OBJECT"}},
		"m/b": {data: nil, etag: `"e-2"`, version: "null"},
	})
	src := stub.source()
	got, err := src.Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	want := cachenode.Manifest{
		Origin: cachenode.Origin{Scheme: "s3", Endpoint: src.Endpoint(), Bucket: "b", Prefix: "m/"},
		Files: []cachenode.File{
			{Path: "a", Size: 10, Source: cachenode.Identity{
				Key: "m/a", ETag: object{data: content(10)}.tag(), VersionID: "v7",
				Checksum: cachenode.Checksum{Algorithm: "CRC64NVME", Value: "AAAAAAAAAAA="},
			}},
			{Path: "b", Size: 0, Source: cachenode.Identity{Key: "m/b", ETag: `"e-2"`}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(src.Endpoint(), "http://127.0.0.1:") {
		t.Errorf("endpoint %q", src.Endpoint())
	}
}

func TestResolve_OneVersionOfOneObject(t *testing.T) {
	t.Parallel()
	stub := newStub(t, map[string]object{"d/k": {data: content(9), version: "v1"}})
	m, err := stub.source().Resolve(t.Context(), ref(t, "s3://b/d/k?versionId=v1"), cachenode.Selection{})
	if err != nil || len(m.Files) != 1 || m.Files[0].Source.VersionID != "v1" || m.Origin.Prefix != "d/" {
		t.Errorf("%+v, %v", m, err)
	}
	if stub.count("GET") != 0 || stub.count("HEAD /b/d/k?versionId=v1") != 1 {
		t.Errorf("requests: %v", stub.seen)
	}
}

// Every split into pages gives the same files.
func TestResolve_PagesMakeNoDifference(t *testing.T) {
	t.Parallel()
	var keys []string
	for i := range 23 {
		keys = append(keys, fmt.Sprintf("m/%c/%d", 'a'+i%3, i))
	}
	stub := newStub(t, objects(keys...))
	src := stub.source()
	want, err := src.Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{})
	if err != nil || len(want.Files) != len(keys) {
		t.Fatal(len(want.Files), err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		stub.pageOf = rapid.IntRange(1, 30).Draw(rt, "keys in a page")
		got, err := src.Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{})
		if err != nil || got.Revision() != want.Revision() {
			rt.Fatalf("%d files, %v", len(got.Files), err)
		}
	})
}

func TestResolve_EndlessListingsAreRefused(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(page int) string{
		"the same token":   func(int) string { return "<NextContinuationToken>t</NextContinuationToken>" },
		"a cycle":          func(page int) string { return fmt.Sprintf("<NextContinuationToken>%d</NextContinuationToken>", page%7) },
		"no token":         func(int) string { return "" },
		"always a new one": func(page int) string { return fmt.Sprintf("<NextContinuationToken>%d</NextContinuationToken>", page) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stub, page := newStub(t, nil), 0
			contents := strings.Repeat("<Contents><Key>m/k</Key><Size>1</Size></Contents>", 1000)
			stub.hook = func(w http.ResponseWriter, _ *http.Request) bool {
				page++
				fmt.Fprintf(w, "<ListBucketResult><IsTruncated>true</IsTruncated>%s%s</ListBucketResult>", next(page), contents)
				return true
			}
			if _, err := stub.source().Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{}); !errors.Is(err, cachenode.ErrInvalid) {
				t.Errorf("%v, want ErrInvalid", err)
			}
			if limit := maxKeys/1000 + 1; page > limit || name != "always a new one" && page > 8 {
				t.Errorf("noticed after %d pages", page)
			}
		})
	}
}

// J1, J6: keys are input.
func TestResolve_RefusesHostileKeysThatAreNotLeftOut(t *testing.T) {
	t.Parallel()
	for key, kind := range map[string]error{
		"../x": cachenode.ErrUnsafe, "/x": cachenode.ErrUnsafe, "a//b": cachenode.ErrUnsafe, "a\x01b": cachenode.ErrUnsafe, "a\\b": cachenode.ErrUnsafe,
		"OK": cachenode.ErrUnsafe, "ok/x": cachenode.ErrUnsafe, "w.bin": cachenode.ErrUnsafe, "..": cachenode.ErrUnsafe, ".hoist/x": cachenode.ErrUnsafe,
	} {
		src := newStub(t, objects("m/ok", "m/"+key)).source()
		if _, err := src.Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{}); cachenode.KindOf(err) != kind {
			t.Errorf("%q: %v, want %v", key, err, kind)
		}
		m, err := src.Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{Include: []string{"ok"}})
		if err != nil || paths(m) != "ok" {
			t.Errorf("%q left out: %q, %v", key, paths(m), err)
		}
	}
	src := newStub(t, objects("m/ok")).source()
	if _, err := src.Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{Exclude: []string{"*"}}); cachenode.KindOf(err) != cachenode.ErrNotFound {
		t.Errorf("nothing selected: %v", err)
	}
}

func TestResolve_RefusesKeysFromElsewhere(t *testing.T) {
	t.Parallel()
	stub := newStub(t, nil)
	stub.hook = func(w http.ResponseWriter, _ *http.Request) bool {
		fmt.Fprint(w, "<ListBucketResult><Contents><Key>n/k</Key><Size>1</Size></Contents></ListBucketResult>")
		return true
	}
	if _, err := stub.source().Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{}); cachenode.KindOf(err) != cachenode.ErrUnavailable || !strings.Contains(err.Error(), "not under the prefix") {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestResolve_NamesWhatIsNear(t *testing.T) {
	t.Parallel()
	src := newStub(t, objects("llama-7b-hf/config.json")).source()
	_, err := src.Resolve(t.Context(), ref(t, "s3://b/llama-7b"), cachenode.Selection{})
	want := "resolve s3://b/llama-7b: not found: no directory and no object of that name (did you mean s3://b/llama-7b-hf/?)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestResolve_NamesTheListedKeyThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]error{403: cachenode.ErrDenied, 404: cachenode.ErrNotFound} {
		stub := newStub(t, objects("m/a", "m/b"))
		stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/m/b") {
				refuse(w, status, map[int]string{403: "AccessDenied", 404: "NoSuchKey"}[status], "not you")
				return true
			}
			return false
		}
		_, err := stub.source().Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{})
		if cachenode.KindOf(err) != kind || !strings.Contains(err.Error(), "s3://b/m/b") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// A single object needs no right to list.
func TestResolve_ReadsOneObjectWithoutListing(t *testing.T) {
	t.Parallel()
	stub := newStub(t, objects("m/a"))
	stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("list-type") {
			refuse(w, 403, "AccessDenied", "")
			return true
		}
		return false
	}
	src := stub.source()
	if m, err := src.Resolve(t.Context(), ref(t, "s3://b/m/a"), cachenode.Selection{}); err != nil || paths(m) != "a" {
		t.Errorf("%q, %v", paths(m), err)
	}
	if _, err := src.Resolve(t.Context(), ref(t, "s3://b/m/"), cachenode.Selection{}); cachenode.KindOf(err) != cachenode.ErrDenied {
		t.Errorf("a directory: %v", err)
	}
}

// Metadata is asked for again, content is not.
func TestResolve_TriesAgainWhatMayPass(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		failures, requests int
		status             int
		code               string
		kind               error
	}{
		"slow down, then fine": {3, 4, 503, "SlowDown", nil},
		"slow down, for ever":  {99, 5, 503, "SlowDown", cachenode.ErrThrottled},
		"internal error":       {1, 2, 500, "InternalError", nil},
		"denied":               {99, 1, 403, "AccessDenied", cachenode.ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stub, failed := newStub(t, objects("m/a")), 0
			stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || failed == row.failures {
					return false
				}
				failed++
				refuse(w, row.status, row.code, "")
				return true
			}
			_, err := stub.source().Resolve(t.Context(), ref(t, "s3://b/m/"), cachenode.Selection{})
			if cachenode.KindOf(err) != row.kind || stub.count("GET") != row.requests {
				t.Errorf("%v after %d requests", err, stub.count("GET"))
			}
		})
	}
}

func TestResolve_StopsWhenCanceled(t *testing.T) {
	t.Parallel()
	stub := newStub(t, objects("m/a"))
	ctx, cancel := context.WithCancel(t.Context())
	stub.hook = func(http.ResponseWriter, *http.Request) bool { cancel(); return false }
	_, err := stub.source().Resolve(ctx, ref(t, "s3://b/m"), cachenode.Selection{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
