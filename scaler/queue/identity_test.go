// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package queue_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/scaler/queue"
	"github.com/hoist-dev/hoist/test/cluster/pki"
)

// gate is a Prometheus over TLS that wants to know who asks.
type gate struct {
	*httptest.Server
	shown atomic.Pointer[tls.Certificate] // to who connects
	asks  atomic.Pointer[http.HandlerFunc]
	asked atomic.Int64
}

func newGate(t *testing.T, authority pki.Authority, clients *x509.CertPool) *gate {
	t.Helper()
	g := &gate{}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.asked.Add(1)
		(*g.asks.Load())(w, r)
	}))
	g.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*g.shown.Load()}}
		if clients != nil {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, clients
		}
		return c, nil
	}}
	g.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	g.show(t, authority)
	g.wants(func(*http.Request) bool { return true })
	g.StartTLS()
	t.Cleanup(g.Close)
	return g
}

// show has it present a certificate of this authority from now on, to new connections.
func (g *gate) show(t *testing.T, authority pki.Authority) {
	t.Helper()
	pair := issued(t, authority)
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	g.shown.Store(&certificate)
	if g.Listener != nil && g.URL != "" {
		g.CloseClientConnections()
	}
}

// wants has it answer 7 to requests that are right, and refuse others in words that repeat what they said.
func (g *gate) wants(right func(*http.Request) bool) {
	g.answers(func(w http.ResponseWriter, r *http.Request) {
		if right(r) {
			_, _ = w.Write([]byte(vector("7")))
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte("no: " + r.Header.Get("Authorization")))
	})
}

func (g *gate) answers(with http.HandlerFunc) { g.asks.Store(&with) }

func authority(t *testing.T) pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issued(t *testing.T, authority pki.Authority) pki.Pair {
	t.Helper()
	pair, err := authority.Issue(pki.Subject{Name: "prometheus", Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// secret is a folder with files as the kubelet mounts a Secret: they are links into a folder that is exchanged as a whole.
type secret struct {
	t    *testing.T
	path string
	turn int
}

func mounted(t *testing.T, files map[string]string) *secret {
	t.Helper()
	s := &secret{t: t, path: t.TempDir()}
	s.write(files)
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(s.path, name)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *secret) write(files map[string]string) {
	s.t.Helper()
	s.turn++
	data := "..data_" + string(rune('a'+s.turn))
	if err := os.Mkdir(filepath.Join(s.path, data), 0o700); err != nil {
		s.t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.path, data, name), []byte(content), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := os.Symlink(data, filepath.Join(s.path, "..data_tmp")); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.path, "..data_tmp"), filepath.Join(s.path, "..data")); err != nil {
		s.t.Fatal(err)
	}
}

func identified(t *testing.T, address string, who queue.Identity) *queue.Prometheus {
	t.Helper()
	p, err := queue.Identified(address, who)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func bearer(token string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+token }
}

// Who asks is told as the server wants it, and whoever says something else is refused: what he asked for is unknown, and never zero.
func TestIdentified_IsAnsweredAsWhoItIs(t *testing.T) {
	t.Parallel()
	ours, others := authority(t), authority(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ours.CertPEM)
	client, stranger := issued(t, ours), issued(t, others)
	basic := func(r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		return user == "hoist" && password == "open sesame"
	}
	tenant := func(r *http.Request) bool { return r.Header.Get("X-Scope-OrgID") == "team-a|team-b" }
	for name, row := range map[string]struct {
		wants        func(*http.Request) bool
		clients      *x509.CertPool
		right, wrong queue.Identity
	}{
		"a token": {bearer("T0ken"), nil, queue.Identity{Folder: mounted(t, map[string]string{"token": "T0ken\n", "ca.crt": string(ours.CertPEM)}).path},
			queue.Identity{Folder: mounted(t, map[string]string{"token": "another", "ca.crt": string(ours.CertPEM)}).path}},
		"a password": {basic, nil, queue.Identity{Folder: mounted(t, map[string]string{"username": "hoist", "password": "open sesame", "ca.crt": string(ours.CertPEM)}).path},
			queue.Identity{Folder: mounted(t, map[string]string{"username": "hoist", "password": "barley", "ca.crt": string(ours.CertPEM)}).path}},
		"a certificate": {nil, pool, queue.Identity{Folder: mounted(t, map[string]string{"tls.crt": string(client.Cert), "tls.key": string(client.Key), "ca.crt": string(ours.CertPEM)}).path},
			queue.Identity{Folder: mounted(t, map[string]string{"tls.crt": string(stranger.Cert), "tls.key": string(stranger.Key), "ca.crt": string(ours.CertPEM)}).path}},
		"a tenant": {tenant, nil, queue.Identity{Folder: mounted(t, map[string]string{"ca.crt": string(ours.CertPEM)}).path, Headers: map[string]string{"X-Scope-OrgID": "team-a|team-b"}},
			queue.Identity{Folder: mounted(t, map[string]string{"ca.crt": string(ours.CertPEM)}).path}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, ours, row.clients)
			if row.wants != nil {
				g.wants(row.wants)
			}
			if v, err := identified(t, g.URL, row.right).Now(t.Context(), "q", time.Now()); err != nil || v != 7 {
				t.Errorf("%v, %v", v, err)
			}
			for _, who := range []queue.Identity{row.wrong, {}} {
				p := identified(t, g.URL, who)
				if v, err := p.Now(t.Context(), "q", time.Now()); err == nil {
					t.Errorf("as %+v it is %v", who, v)
				}
				if samples, err := p.History(t.Context(), "q", time.Now().Add(-time.Hour), time.Now()); err == nil {
					t.Errorf("as %+v it was %v", who, samples)
				}
			}
		})
	}
}

// Nothing is said to a server that nobody vouches for.
func TestIdentified_TellsAStrangerNothing(t *testing.T) {
	t.Parallel()
	g := newGate(t, authority(t), nil)
	for name, files := range map[string]map[string]string{
		"without a CA":    {"token": "T0ken"},
		"with another CA": {"token": "T0ken", "ca.crt": string(authority(t).CertPEM)},
	} {
		if v, err := identified(t, g.URL, queue.Identity{Folder: mounted(t, files).path}).Now(t.Context(), "q", time.Now()); err == nil || g.asked.Load() > 0 {
			t.Errorf("%s: it is %v, and the server was asked %d times", name, v, g.asked.Load())
		}
	}
}

// A token, a CA and a certificate that are exchanged hold from the next request on.
func TestIdentified_FollowsWhatRotates(t *testing.T) {
	t.Parallel()
	old, next := authority(t), authority(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(next.CertPEM)
	pool.AppendCertsFromPEM(old.CertPEM)
	g := newGate(t, old, pool)
	var seen atomic.Pointer[x509.Certificate]
	expect := func(token string) {
		g.wants(func(r *http.Request) bool { seen.Store(r.TLS.PeerCertificates[0]); return bearer(token)(r) })
	}
	before, after := issued(t, old), issued(t, next)
	files := func(token string, ca pki.Authority, pair pki.Pair) map[string]string {
		return map[string]string{"token": token, "ca.crt": string(ca.CertPEM), "tls.crt": string(pair.Cert), "tls.key": string(pair.Key)}
	}
	folder := mounted(t, files("first", old, before))
	p := identified(t, g.URL, queue.Identity{Folder: folder.path})
	now := func() error {
		_, err := p.Now(t.Context(), "q", time.Now())
		return err
	}
	expect("first")
	if err := now(); err != nil {
		t.Fatal(err)
	}
	expect("second")
	if now() == nil {
		t.Error("it knows a token that nobody has told it")
	}
	folder.write(files("second", old, before))
	if err := now(); err != nil {
		t.Errorf("with a new token: %v", err)
	}
	g.show(t, next)
	if now() == nil {
		t.Error("it trusts whom nobody has told it to trust")
	}
	folder.write(files("second", next, after))
	if err := now(); err != nil {
		t.Errorf("with a new CA: %v", err)
	}
	if certificate, _ := tls.X509KeyPair(after.Cert, after.Key); !bytes.Equal(seen.Load().Raw, certificate.Certificate[0]) {
		t.Error("it shows the certificate of before")
	}
}

// Whatever goes wrong, and whatever a server says of it, no error has a secret.
func TestIdentified_ErrorsHaveNoSecret(t *testing.T) {
	t.Parallel()
	ca := authority(t)
	repeat := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			said := r.Header.Get("Authorization")
			if user, password, ok := r.BasicAuth(); ok {
				said += " of " + user + " with " + password
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(strings.ReplaceAll(body, "SAID", said)))
		}
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("elsewhere is told %v", r.Header)
	}))
	t.Cleanup(elsewhere.Close)
	for name, answer := range map[string]http.HandlerFunc{
		"bad":       repeat(http.StatusBadRequest, `{"status":"error","errorType":"bad_data","error":"SAID asks badly"}`),
		"forbidden": repeat(http.StatusForbidden, `SAID may not`),
		"partial":   repeat(http.StatusOK, strings.Replace(vector("1"), `"status"`, `"warnings":["SAID sees a part"],"status"`, 1)),
		"broken":    repeat(http.StatusOK, `{"status":"success","data":{"resultType":"SAID"}}`),
		"away":      http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP,
		"hung up":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		g := newGate(t, ca, nil)
		g.answers(answer)
		for _, files := range []map[string]string{{"token": "hush-hush"}, {"username": "hoist", "password": "hush-hush"}} {
			files["ca.crt"] = string(ca.CertPEM)
			p := identified(t, g.URL, queue.Identity{Folder: mounted(t, files).path})
			_, now := p.Now(t.Context(), "q", time.Now())
			_, history := p.History(t.Context(), "q", time.Now().Add(-time.Hour), time.Now())
			_, interval := p.ScrapeInterval(t.Context(), "m")
			for _, err := range []error{now, history, interval} {
				if err == nil {
					t.Errorf("%s: there is no error", name)
				} else if text := err.Error(); strings.Contains(text, "hush-hush") || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("hoist:hush-hush"))) {
					t.Errorf("%s: %s", name, text)
				}
			}
		}
	}
	g := newGate(t, ca, nil)
	broken := mounted(t, map[string]string{"token": "hush\nhush", "ca.crt": string(ca.CertPEM)})
	if _, err := identified(t, g.URL, queue.Identity{Folder: broken.path}).Now(t.Context(), "q", time.Now()); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a token of two lines: %v", err)
	}
}

// An identity that can't be meant is refused, in words that say which file is the matter.
func TestIdentified_RefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	pair := issued(t, authority(t))
	for name, row := range map[string]struct {
		who  queue.Identity
		says string
	}{
		"nothing":              {queue.Identity{Folder: t.TempDir()}, "has none of token"},
		"no folder":            {queue.Identity{Folder: filepath.Join(t.TempDir(), "gone")}, "has none of token"},
		"two at a time":        {queue.Identity{Folder: mounted(t, map[string]string{"token": "a", "username": "b", "password": "c"}).path}, "takes one of them"},
		"no password":          {queue.Identity{Folder: mounted(t, map[string]string{"username": "b"}).path}, "takes both"},
		"no key":               {queue.Identity{Folder: mounted(t, map[string]string{"tls.crt": string(pair.Cert)}).path}, "key"},
		"no CA but words":      {queue.Identity{Folder: mounted(t, map[string]string{"ca.crt": "words"}).path}, "CA"},
		"a header of the HTTP": {queue.Identity{Headers: map[string]string{"authorization": "x"}}, "not allowed"},
	} {
		if _, err := queue.Identified("https://prometheus:9090", row.who); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
