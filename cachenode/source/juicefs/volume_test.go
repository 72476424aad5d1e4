// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !nojuicefs && !race

package juicefs_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/source/juicefs"
	"github.com/hoist-dev/hoist/test/juicefstest"
	"github.com/hoist-dev/hoist/test/redistest"
)

func resolve(t *testing.T, s *juicefs.Source, uri string) (cachenode.Manifest, error) {
	t.Helper()
	ref, err := cachenode.ParseRef(uri)
	if err != nil {
		t.Fatal(err)
	}
	return s.Resolve(t.Context(), ref, cachenode.Selection{})
}

func read(t *testing.T, s *juicefs.Source, m cachenode.Manifest, r cachenode.Range) ([]byte, error) {
	t.Helper()
	body, err := s.Open(t.Context(), m.Origin, m.Files[0], r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// However a volume was formatted, what JuiceFS writes is what is read: over several
// blocks and chunks, with holes and parts that were written later.
func TestSource_ReadsEveryFormat(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	for name, c := range map[string]juicefstest.Config{
		"plain": {}, "lz4": {Compression: "lz4"}, "zstd": {Compression: "zstd"}, "hash prefix": {HashPrefix: true}, "small blocks": {BlockSize: 256},
		"encrypted": {EncryptKey: private}, "sharded": {Shards: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, s, _ := volume(t, c)
			const size = 66<<20 + 12345 // more than one chunk of 64 MiB
			want := make([]byte, size)
			head, late, tail := cachetest.Bytes(1, 5<<20+7), cachetest.Bytes(2, 300_000), cachetest.Bytes(3, 12345)
			copy(want, head)
			copy(want[2<<20+1:], late)
			copy(want[size-12345:], tail)
			if err := errors.Join(v.Write("m/w", head), v.WriteAt("m/w", late, 2<<20+1), v.WriteAt("m/w", tail, size-12345)); err != nil {
				t.Fatal(err)
			}
			m, err := resolve(t, s, "juicefs://vol-1/m/")
			if err != nil || m.Files[0].Size != size {
				t.Fatalf("%+v, %v", m, err)
			}
			for _, r := range []cachenode.Range{{Off: 0, Len: size}, {Off: 2 << 20, Len: 400_000}, {Off: 4<<20 - 1, Len: 2}, {Off: 64<<20 - 10, Len: 20}, {Off: size - 1, Len: 1}} {
				if got, err := read(t, s, m, r); err != nil || !bytes.Equal(got, want[r.Off:r.End()]) {
					t.Errorf("%+v: %d bytes, %v", r, len(got), err)
				}
			}
		})
	}
}

// A5: a file that is written to while it is read.
func TestSource_AFileThatIsWrittenToIsErrChanged(t *testing.T) {
	t.Parallel()
	v, s, _ := volume(t, juicefstest.Config{})
	if err := v.Write("m/w", cachetest.Bytes(1, 9<<20)); err != nil {
		t.Fatal(err)
	}
	m, err := resolve(t, s, "juicefs://vol-1/m/")
	if err != nil {
		t.Fatal(err)
	}
	body, err := s.Open(t.Context(), m.Origin, m.Files[0], cachenode.Range{Len: 9 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if err := v.WriteAt("m/w", []byte("other"), 8<<20); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(body); cachenode.KindOf(err) != cachenode.ErrChanged {
		t.Errorf("%d more bytes, %v; want ErrChanged", len(got), err)
	}
}

func TestSource_FollowsLinksWithinTheVolume(t *testing.T) {
	t.Parallel()
	v, s, _ := volume(t, juicefstest.Config{})
	err := errors.Join(v.Write("hub/blobs/abc", []byte("weights")), v.Link("../../blobs/abc", "hub/snapshots/1/w"), v.Link("/hub/snapshots", "s"),
		v.Link("x", "loop/x"), v.Link("none", "nothing/x"), v.Link("../../../../hub/blobs/abc", "up/x"), v.Link("../hub", "folder/x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{"juicefs://vol-1/hub/snapshots/1/", "juicefs://vol-1/s/1/w", "juicefs://vol-1/up/"} {
		m, err := resolve(t, s, uri)
		if err != nil || len(m.Files) != 1 {
			t.Errorf("%s: %+v, %v", uri, m, err)
			continue
		}
		if got, err := read(t, s, m, cachenode.Range{Len: 7}); err != nil || string(got) != "weights" {
			t.Errorf("%s: %q, %v", uri, got, err)
		}
	}
	for _, uri := range []string{"juicefs://vol-1/loop/", "juicefs://vol-1/nothing/", "juicefs://vol-1/folder/"} {
		if m, err := resolve(t, s, uri); cachenode.KindOf(err) != cachenode.ErrUnsafe {
			t.Errorf("%s: %+v, %v; want ErrUnsafe", uri, m, err)
		}
	}
}

// What can't be reached, or is another volume, is an error: the library would end the process.
func TestSource_WhatCanNotBeOpenedSaysWhy(t *testing.T) {
	t.Parallel()
	_, _, good := volume(t, juicefstest.Config{})
	dir := t.TempDir()
	for what, row := range map[string]struct {
		config juicefs.Config
		uri    string
		kind   error
	}{
		"no server":        {juicefs.Config{MetaURL: "redis://:hush-hush@127.0.0.1:1/1", Local: true}, "juicefs://vol-1/", cachenode.ErrUnavailable},
		"no file":          {juicefs.Config{MetaURL: "sqlite3://" + filepath.Join(dir, "none.db"), Local: true}, "juicefs://vol-1/", cachenode.ErrNotFound},
		"no URL":           {juicefs.Config{Local: true}, "juicefs://vol-1/", cachenode.ErrInvalid},
		"no such engine":   {juicefs.Config{MetaURL: "oracle://hush-hush@x/y", Local: true}, "juicefs://vol-1/", cachenode.ErrUnsupported},
		"another volume":   {good, "juicefs://vol-2/", cachenode.ErrNotFound},
		"a file of ours":   {juicefs.Config{MetaURL: good.MetaURL}, "juicefs://vol-1/", cachenode.ErrUnsupported},
		"a key of ours":    {juicefs.Config{MetaURL: "redis://h/1?tls-key-file=/etc/hush-hush"}, "juicefs://vol-1/", cachenode.ErrUnsafe},
		"whatever it asks": {juicefs.Config{MetaURL: "mysql://u:hush-hush@(h:3306)/db?allowAllFiles=true"}, "juicefs://vol-1/", cachenode.ErrUnsafe},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := juicefs.New(row.config)
			t.Cleanup(func() { _ = s.Close() })
			_, err := resolve(t, s, row.uri)
			if cachenode.KindOf(err) != row.kind || strings.Contains(fmt.Sprint(err), "hush-hush") || strings.Contains(fmt.Sprintf("%v %+v %#v", row.config, row.config, row.config), "hush") {
				t.Errorf("%v; want %v", err, row.kind)
			}
		})
	}
}

// J5: a wrong password is a refusal, and no password is in what is said about it.
func TestSource_AWrongPasswordIsErrDenied(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "127.0.0.1")
	for _, password := range []string{"", ":wrong-hush@"} {
		s := juicefs.New(juicefs.Config{MetaURL: "redis://" + password + server + "/1", Local: true})
		t.Cleanup(func() { _ = s.Close() })
		_, err := resolve(t, s, "juicefs://vol-1/")
		if cachenode.KindOf(err) != cachenode.ErrDenied || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v; want ErrDenied", password, err)
		}
	}
}

// A Source that was closed connects again when it is used again; a stream outlives the close.
func TestSource_CloseEndsTheConnectionAndNotTheSource(t *testing.T) {
	t.Parallel()
	v, s, _ := volume(t, juicefstest.Config{})
	content := cachetest.Bytes(1, 9<<20)
	if err := v.Write("m/w", content); err != nil {
		t.Fatal(err)
	}
	m, err := resolve(t, s, "juicefs://vol-1/m/w")
	if err != nil {
		t.Fatal(err)
	}
	body, err := s.Open(t.Context(), m.Origin, m.Files[0], cachenode.Range{Len: 9 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	_ = s.Close()
	if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the open stream: %d bytes, %v", len(got), err)
	}
	if got, err := read(t, s, m, cachenode.Range{Len: 10}); err != nil || !bytes.Equal(got, content[:10]) {
		t.Errorf("after the close: %d bytes, %v", len(got), err)
	}
}
