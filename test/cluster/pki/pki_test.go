// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func authority(t *testing.T) Authority {
	t.Helper()
	ca, err := NewAuthority("kubernetes") // all of the same name: what counts is the key
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func issue(t *testing.T, ca Authority, subject Subject) (Pair, *x509.Certificate) {
	t.Helper()
	pair, err := ca.Issue(subject)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(pair.Cert)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return pair, certificate
}

func trust(ca Authority) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.CertPEM)
	return pool
}

var server = Subject{Name: "kube-apiserver", Hosts: []string{"localhost", "kubernetes.default.svc", "127.0.0.1", "10.96.0.1"}}

func TestIssue_IsGoodForItsHostsItsAuthorityAndItsWeekAlone(t *testing.T) {
	t.Parallel()
	ca, other := authority(t), authority(t)
	_, certificate := issue(t, ca, server)
	if certificate.IsCA || certificate.KeyUsage&x509.KeyUsageCertSign != 0 {
		t.Error("who can serve can make identities")
	}
	for name, test := range map[string]struct {
		host  string
		roots *x509.CertPool
		after time.Duration
		usage x509.ExtKeyUsage
		good  bool
	}{
		"name":              {"kubernetes.default.svc", trust(ca), 0, x509.ExtKeyUsageServerAuth, true},
		"address":           {"127.0.0.1", trust(ca), 0, x509.ExtKeyUsageServerAuth, true},
		"as a client":       {"localhost", trust(ca), 0, x509.ExtKeyUsageClientAuth, true},
		"six days later":    {"localhost", trust(ca), 6 * 24 * time.Hour, x509.ExtKeyUsageServerAuth, true},
		"eight days later":  {"localhost", trust(ca), 8 * 24 * time.Hour, x509.ExtKeyUsageServerAuth, false},
		"another name":      {"kubernetes", trust(ca), 0, x509.ExtKeyUsageServerAuth, false},
		"another address":   {"127.0.0.2", trust(ca), 0, x509.ExtKeyUsageServerAuth, false},
		"another authority": {"localhost", trust(other), 0, x509.ExtKeyUsageServerAuth, false},
		"to sign programs":  {"localhost", trust(ca), 0, x509.ExtKeyUsageCodeSigning, false},
	} {
		_, err := certificate.Verify(x509.VerifyOptions{
			DNSName: test.host, Roots: test.roots, CurrentTime: time.Now().Add(test.after), KeyUsages: []x509.ExtKeyUsage{test.usage},
		})
		if (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Both ends show what was issued, read back from the files, and each learns who the other is.
func TestWrite_StoresAnIdentityForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	ca, dir := authority(t), t.TempDir()
	user := Subject{Name: "system:node:node1", Organizations: []string{"system:nodes"}}
	configs := map[string]*tls.Config{}
	for name, subject := range map[string]Subject{"server": server, "user": user} {
		pair, _ := issue(t, ca, subject)
		if err := pair.Write(dir, name); err != nil {
			t.Fatal(err)
		}
		cert, key := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
		info, err := os.Stat(key)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, want 0600", key, info.Mode())
		}
		loaded, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		configs[name] = &tls.Config{Certificates: []tls.Certificate{loaded}, MinVersion: tls.VersionTLS13}
	}
	configs["server"].ClientCAs, configs["server"].ClientAuth = trust(ca), tls.RequireAndVerifyClientCert
	configs["user"].RootCAs, configs["user"].ServerName = trust(ca), "kubernetes.default.svc"

	served := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := r.TLS.PeerCertificates[0].Subject
		fmt.Fprintln(w, who.CommonName, who.Organization)
	}))
	served.TLS, served.Config.ErrorLog = configs["server"], slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	served.StartTLS()
	t.Cleanup(served.Close)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: configs["user"], DisableKeepAlives: true}}
	response, err := client.Get(served.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if who, err := io.ReadAll(response.Body); err != nil || string(who) != "system:node:node1 [system:nodes]\n" {
		t.Errorf("the server sees %q, %v, want the user and its groups", who, err)
	}
}
