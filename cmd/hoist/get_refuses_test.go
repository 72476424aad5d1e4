// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/test/s3test/versity"
)

func TestGet_RefusesWhatRunsCodeWhenLoaded(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	model := files{"pytorch_model.bin": random(100), "config.json": []byte("{}")}
	b.put("m/", model)
	b.fails(exitUnsafe, "m/", dir, "pytorch_model.bin", "--allow-pickle")
	wantFiles(t, dir, files{})
	b.get("m/", dir, "--allow-pickle")
	wantFiles(t, dir, model)
}

func TestGet_RefusesASafetensorsHeaderThatLies(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	b.put("m/", files{"model.safetensors": slices.Concat([]byte{255, 255, 0, 0, 0, 0, 0, 0}, []byte(`{"w":{}}`))})
	b.fails(exitUnsafe, "m/", dir, "model.safetensors")
	wantFiles(t, dir, files{})
}

func TestGet_RefusesKeysThatClash(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	b.put("m/", files{"A.txt": random(10), "a.txt": random(10)})
	b.fails(exitUnsafe, "m/", dir, "A.txt", "a.txt")
	wantFiles(t, dir, files{})
}

// The worst ones, with "..", are for the tests of CleanKey: this server has cleaned them.
func TestGet_RefusesHostileKeys(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	for prefix, key := range map[string]string{"back/": `a\x`, "own/": ".hoist/manifest.json", "bidi/": "a\u202eb"} {
		b.put(prefix, files{key: random(10)})
		dir := t.TempDir()
		b.fails(exitUnsafe, prefix, dir)
		wantFiles(t, dir, files{})
	}
}

func TestGet_NothingThere(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	b.put("m/", files{"x": random(10)})
	b.fails(exitNotFound, "missing/", dir, b.uri("missing/"))
	b.fails(exitNotFound, "m/missing.json", dir, b.uri("m/missing.json"))
	hoist(t, b.env, "get", "s3://no-such-bucket-"+b.name+"/m/", dir).want(t, exitNotFound, "no-such-bucket-")
	wantFiles(t, dir, files{})
}

// J5: not even the log of everything repeats a credential.
func TestGet_WrongSecretIsDeniedAndNeverShown(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	b.put("m/", files{"x": random(10)})
	const canary, session = "wrong-canary-77aa41", "session-canary-b0b5"
	for _, env := range [][]string{
		append(b.env, "AWS_SECRET_ACCESS_KEY="+canary),
		append(b.env, "AWS_SECRET_ACCESS_KEY="+canary, "AWS_SESSION_TOKEN="+session),
	} {
		o := hoist(t, env, "get", b.uri("m/"), dir, "--log-level", "debug")
		o.want(t, exitDenied)
		neverShown(t, o, canary, session)
	}
	o := hoist(t, b.env, "get", b.uri("m/"), dir, "--log-level", "debug", "--json")
	o.want(t, exitOK)
	neverShown(t, o, secretKey)
}

func neverShown(t *testing.T, o outcome, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(o.stdout+o.stderr, secret) {
			t.Errorf("the secret %s is shown:\n%s%s", secret, o.stdout, o.stderr)
		}
	}
}

func TestGet_NoCredentials(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	hoist(t, b.env[:2], "get", b.uri("m/"), t.TempDir()).want(t, exitDenied, "credentials")
}

func TestGet_DeadEndpoint(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	begun := time.Now()
	o := hoist(t, []string{"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}, "get", "s3://models/m/", t.TempDir(), "--endpoint", address)
	t.Logf("gave up after %v", time.Since(begun))
	o.want(t, exitUnavailable, l.Addr().String())
}

func TestGet_TLSThatNobodyTrusts(t *testing.T) {
	t.Parallel()
	certFile, keyFile := selfSigned(t)
	server := startServer(t, versity.Config{Dir: t.TempDir(), CertFile: certFile, KeyFile: keyFile})
	t.Cleanup(func() { _ = server.Stop() })
	b, dir := bucketOn(t, server), t.TempDir()
	model := files{"config.json": []byte("{}")}
	b.put("m/", model)
	b.fails(exitUnavailable, "m/", dir, "TLS", "AWS_CA_BUNDLE")
	b.env = append(b.env, "AWS_CA_BUNDLE="+certFile)
	b.get("m/", dir)
	wantFiles(t, dir, model)
}

// selfSigned is a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hoist-test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", cert), writePEM(t, "PRIVATE KEY", private)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGet_FileInTheWay(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	model := files{"config.json": []byte("{}"), "w": random(10)}
	b.put("m/", model)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.fails(exitUsage, "m/", dir, "config.json", "--overwrite")
	wantFiles(t, dir, files{"config.json": []byte("mine")})
	b.get("m/", dir, "--overwrite")
	wantFiles(t, dir, model)
}
