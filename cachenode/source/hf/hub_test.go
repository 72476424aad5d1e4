// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/test/hubtest"
)

const token = "hf_canary5f1c3aNeverToBeSeen"

func resolve(t *testing.T, s *Source, uri string) (cachenode.Manifest, error) {
	t.Helper()
	ref, err := cachenode.ParseRef(uri)
	if err != nil {
		t.Fatal(err)
	}
	return s.Resolve(t.Context(), ref, cachenode.Selection{})
}

func resolved(t *testing.T, s *Source, uri string) cachenode.Manifest {
	t.Helper()
	m, err := resolve(t, s, uri)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func read(t *testing.T, s *Source, m cachenode.Manifest, r cachenode.Range) ([]byte, error) {
	t.Helper()
	body, err := s.Open(t.Context(), m.Origin, m.Files[0], r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// J5: the token goes to the hub and not along with a redirect; and a file costs the hub
// one request, however many ranges it has.
func TestOpen_TheTokenStaysAtTheHub(t *testing.T) {
	t.Parallel()
	h, s := newHub(t, func(c *Config) { c.Token = token })
	h.RequireToken(token)
	content := cachetest.Bytes(1, 50_000)
	h.Put("o/r", "model.safetensors", hubtest.Bytes(content), true)
	m := resolved(t, s, "hf://o/r")
	before := len(h.Requests())
	for off := int64(0); off < 50_000; off += 10_000 {
		if got, err := read(t, s, m, cachenode.Range{Off: off, Len: 10_000}); err != nil || !bytes.Equal(got, content[off:off+10_000]) {
			t.Fatalf("at %d: %d bytes, %v", off, len(got), err)
		}
	}
	hub := 0
	for _, r := range h.Requests()[before:] {
		if r.Content && r.Authorization != "" {
			t.Errorf("the content network was told %q", r.Authorization)
		}
		if !r.Content {
			hub++
			if r.Authorization != "Bearer "+token {
				t.Errorf("the hub was told %q", r.Authorization)
			}
		}
	}
	if hub != 1 {
		t.Errorf("five ranges cost the hub %d requests, want 1", hub)
	}
}

func TestOpen_AsksAgainWhenASignatureHasExpired(t *testing.T) {
	t.Parallel()
	h, s := newHub(t)
	h.Put("o/r", "w.safetensors", hubtest.Bytes(cachetest.Bytes(1, 100)), true)
	m := resolved(t, s, "hf://o/r")
	for range 3 {
		if got, err := read(t, s, m, cachenode.Range{Len: 100}); err != nil || len(got) != 100 {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		h.ExpireSignatures()
	}
}

// A new commit is a new revision; what it did not touch is the same blob, and the
// revision of before can still be read.
func TestResolve_PinsTheCommit(t *testing.T) {
	t.Parallel()
	h, s := newHub(t)
	weights := cachetest.Bytes(1, 1000)
	h.Put("o/r", "model.safetensors", hubtest.Bytes(weights), true)
	first := h.Put("o/r", "z.json", hubtest.Bytes([]byte("{}")), false)
	h.Tag("o/r", "v1")
	old := resolved(t, s, "hf://o/r@v1")
	second := h.Put("o/r", "z.json", hubtest.Bytes([]byte("{ }")), false)
	if now := resolved(t, s, "hf://o/r"); old.Origin.Commit != first || now.Origin.Commit != second || old.Revision() == now.Revision() {
		t.Errorf("commits %s and %s", old.Origin.Commit, now.Origin.Commit)
	} else if old.Blob(old.Files[0]) != now.Blob(now.Files[0]) || old.Blob(old.Files[1]) == now.Blob(now.Files[1]) {
		t.Error("what did not change is another blob, or what did is the same")
	}
	for _, uri := range []string{"hf://o/r@v1", "hf://o/r@" + first} {
		if again := resolved(t, s, uri); again.Revision() != old.Revision() {
			t.Errorf("%s is %s, want %s", uri, again.Revision(), old.Revision())
		}
	}
	sum := sha256.Sum256(weights)
	want := cachenode.Checksum{Algorithm: "SHA256", Value: base64.StdEncoding.EncodeToString(sum[:])}
	if f := old.Files[0]; f.Source.Checksum != want || f.Source.VersionID != "" {
		t.Errorf("its identity is %+v", f.Source)
	}
	h.Squash("o/r")
	if _, err := read(t, s, old, cachenode.Range{Len: 10}); cachenode.KindOf(err) != cachenode.ErrChanged {
		t.Errorf("a commit that is gone: %v, want ErrChanged", err)
	}
}

func TestResolve_FollowsARenamedRepository(t *testing.T) {
	t.Parallel()
	h, s := newHub(t)
	h.Put("old/r", "a.json", hubtest.Bytes([]byte("{}")), false)
	h.Put("old/r", "refs of pr%41.json", hubtest.Bytes([]byte("{}")), true)
	h.Tag("old/r", "refs/pr/1")
	h.Rename("old/r", "new/r")
	m := resolved(t, s, "hf://old/r@refs%2Fpr%2F1")
	if len(m.Files) != 2 || m.Origin.Bucket != "old/r" {
		t.Fatalf("%+v", m)
	}
	for i, f := range m.Files {
		one := m
		one.Files = m.Files[i:]
		if got, err := read(t, s, one, cachenode.Range{Len: 2}); err != nil || string(got) != "{}" {
			t.Errorf("%s: %q, %v", f.Path, got, err)
		}
	}
}

// What went wrong has a kind, says what to do, and repeats no token.
func TestResolve_EveryRefusalHasAKindAndAHint(t *testing.T) {
	t.Parallel()
	for what, row := range map[string]struct {
		change func(h *hubtest.Hub)
		token  string
		uri    string
		kind   error
		says   string
	}{
		"no such repository":   {nil, "", "hf://o/none", cachenode.ErrNotFound, "HF_TOKEN"},
		"no such revision":     {nil, "", "hf://o/r@v9", cachenode.ErrNotFound, "branch, tag or commit"},
		"no such path":         {nil, "", "hf://o/r/none/", cachenode.ErrNotFound, "path"},
		"private, no token":    {func(h *hubtest.Hub) { h.RequireToken(token) }, "", "hf://o/r", cachenode.ErrNotFound, "HF_TOKEN"},
		"a wrong token":        {func(h *hubtest.Hub) { h.RequireToken("other") }, token, "hf://o/r", cachenode.ErrDenied, "HF_TOKEN"},
		"terms not accepted":   {func(h *hubtest.Hub) { h.RequireToken(token); h.Gate("o/r") }, token, "hf://o/r", cachenode.ErrDenied, "accept its terms"},
		"the hub is too busy":  {func(h *hubtest.Hub) { h.Refuse(100) }, "", "hf://o/r", cachenode.ErrThrottled, "a token raises the limit"},
		"the endpoint is gone": {func(h *hubtest.Hub) { h.Close() }, token, "hf://o/r", cachenode.ErrUnavailable, "refused"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h, s := newHub(t, func(c *Config) { c.Token = row.token })
			h.Put("o/r", "config.json", hubtest.Bytes([]byte("{}")), false)
			if row.change != nil {
				row.change(h)
			}
			_, err := resolve(t, s, row.uri)
			if cachenode.KindOf(err) != row.kind || !strings.Contains(fmt.Sprint(err), row.says) || strings.Contains(fmt.Sprint(err), token) {
				t.Errorf("%v; want %v with %q", err, row.kind, row.says)
			}
			if errors.Is(err, cachenode.ErrThrottled) && cachenode.RetryAfter(err) != time.Second {
				t.Errorf("it asks to wait %v, said 1 s", cachenode.RetryAfter(err))
			}
		})
	}
}

// J4, J5: where a redirect may lead.
func TestNext_RefusesRedirectsThatGiveAway(t *testing.T) {
	t.Parallel()
	from := &url.URL{Scheme: "https", Host: "hub", Path: "/o/r"}
	for to, want := range map[string]string{
		"https://cdn/x?sig=1#f": "https://cdn/x?sig=1", "/n/r": "https://hub/n/r", "https://hub:444/x": "https://hub:444/x",
		"http://cdn/x": "", "ftp://cdn/x": "", "https://u:p@cdn/x": "", "https:///x": "", "://": "", "mailto:x": "",
	} {
		got, err := next(from, &http.Response{StatusCode: 302, Header: http.Header{"Location": {to}}})
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%q leads to %v, %v; want %q", to, got, err, want)
		}
	}
	for _, other := range []string{"http://hub/x", "https://hub.evil/x", "https://hub:444/x"} {
		if u, _ := url.Parse(other); sameHost(u, from) {
			t.Errorf("%s is taken for the hub", other)
		}
	}
}

// A hub that redirects its API elsewhere, or lies in its listing, gets nothing out of it.
func TestResolve_HostileHubs(t *testing.T) {
	t.Parallel()
	for what, row := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		kind   error
	}{
		"an API elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		}, cachenode.ErrInvalid},
		"redirects in a circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, cachenode.ErrUnavailable},
		"no JSON":               {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, cachenode.ErrUnavailable},
		"no commit":             {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"sha":"../../x"}`) }, cachenode.ErrUnavailable},
		"no hash":               {lists(`{"type":"file","path":"x","size":1,"oid":"x"}`), cachenode.ErrUnavailable},
		"a size below zero":     {lists(`{"type":"file","path":"x","size":-1,"oid":"` + strings.Repeat("a", 40) + `"}`), cachenode.ErrUnavailable},
		"two sizes":             {lists(`{"type":"file","path":"x","size":1,"lfs":{"size":2,"oid":"` + strings.Repeat("a", 64) + `"}}`), cachenode.ErrUnavailable},
		"a path that leads out": {lists(`{"type":"file","path":"../x","size":1,"oid":"` + strings.Repeat("a", 40) + `"}`), cachenode.ErrUnsafe},
		"no end": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", `<http://elsewhere/?cursor=again>; rel="next"`)
			lists(`{"type":"directory","path":"d"}`)(w, r)
		}, cachenode.ErrInvalid},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(row.answer))
			defer server.Close()
			_, s := newHub(t, func(c *Config) { c.Endpoint = server.URL })
			if m, err := resolve(t, s, "hf://o/r"); cachenode.KindOf(err) != row.kind {
				t.Errorf("%+v, %v; want %v", m, err, row.kind)
			}
		})
	}
}

// lists is a hub whose every tree is one entry.
func lists(entry string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/revision/") {
			_, _ = io.WriteString(w, `{"sha":"`+strings.Repeat("c", 40)+`"}`)
			return
		}
		_, _ = io.WriteString(w, "["+entry+"]")
	}
}

func TestConfig_ATokenOfTheEnvironmentGoesToItsEndpointOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_ENDPOINT", "https://mirror/")
	t.Setenv("HF_TOKEN", "")
	t.Setenv("HF_TOKEN_PATH", file)
	if c := (Config{}).WithEnvironment(); c.Endpoint != "https://mirror/" || c.Token != "from-file" {
		t.Errorf("%+v with %q", c, c.Token)
	}
	t.Setenv("HF_TOKEN", token)
	if c := (Config{}).WithEnvironment(); c.Token != token || strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), token) {
		t.Errorf("%+v with %q", c, c.Token)
	}
	if c := (Config{Endpoint: "https://other"}).WithEnvironment(); c.Token != "" {
		t.Errorf("another endpoint gets %q", c.Token)
	}
	for endpoint, want := range map[string]string{"": "", "https://huggingface.co/": "", "https://Mirror/hub/": "https://mirror/hub"} {
		if s, err := New(Config{Endpoint: endpoint}); err != nil || s.origin != want {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	for _, bad := range []Config{{Endpoint: "mirror"}, {Endpoint: "ftp://x"}, {Endpoint: "https://u:p@x"}, {Endpoint: "https://x?y"}, {Token: "a b"}, {Token: "a\nX-Evil: 1"}} {
		if _, err := New(bad); cachenode.KindOf(err) != cachenode.ErrInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
