// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hoist-dev/hoist/test/s3test/versity"
)

const (
	accessKey = "hoist-test"
	secretKey = "canary-3f9c1d-never-to-be-seen"
	region    = "us-east-1"
)

// sharedS3 is the S3 server that the tests share; it starts when the first one asks.
var sharedS3 sharedOrigin

type sharedOrigin struct {
	once   sync.Once
	dir    string
	server *versity.Server
}

func (o *sharedOrigin) get(t *testing.T) *versity.Server {
	t.Helper()
	o.once.Do(func() {
		dir, err := os.MkdirTemp("", "hoist-origin-") //nolint:usetesting // outlives this test
		if err != nil {
			t.Fatal(err)
		}
		o.dir = dir
		o.server = startServer(t, versity.Config{Dir: dir})
	})
	if o.server == nil {
		t.Fatal("the shared S3 server did not start")
	}
	return o.server
}

func (o *sharedOrigin) stop() {
	if o.server != nil {
		_ = o.server.Stop()
	}
	if o.dir != "" {
		_ = os.RemoveAll(o.dir)
	}
}

func startServer(t *testing.T, c versity.Config) *versity.Server {
	t.Helper()
	c.Bin, c.AccessKey, c.SecretKey, c.Region = versity.Build(t), accessKey, secretKey, region
	server, err := versity.Start(context.WithoutCancel(t.Context()), c)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// environ is what a person would export to reach server.
func environ(server *versity.Server) []string {
	return []string{"AWS_ENDPOINT_URL_S3=" + server.Endpoint(), "AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey}
}

// bucket is a bucket of one test's own.
type bucket struct {
	t    *testing.T
	b    *versity.Bucket
	name string
	env  []string
}

// files are contents by path.
type files map[string][]byte

// newBucket makes a bucket on the shared server.
func newBucket(t *testing.T) *bucket {
	t.Helper()
	return bucketOn(t, sharedS3.get(t))
}

func bucketOn(t *testing.T, server *versity.Server) *bucket {
	t.Helper()
	name := "b-" + strings.ToLower(rand.Text()[:16])
	b, err := server.Bucket(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return &bucket{t: t, b: b, name: name, env: environ(server)}
}

func (b *bucket) uri(key string) string { return "s3://" + b.name + "/" + key }

func (b *bucket) put(prefix string, content files) {
	b.t.Helper()
	for name, data := range content {
		if err := b.b.Put(b.t.Context(), prefix+name, data); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bucket) remove(key string) {
	b.t.Helper()
	if err := b.b.Remove(b.t.Context(), key); err != nil {
		b.t.Fatal(err)
	}
}

// random is content that no other file has.
func random(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.Read(data) // never fails
	return data
}

// wantFiles checks that dir holds these files and, but for Hoist's own, no other.
func wantFiles(t *testing.T, dir string, want files) {
	t.Helper()
	got := files{}
	top, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == ".hoist" {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(top, path)
		if err == nil {
			got[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if names, wanted := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(names, wanted) {
		t.Errorf("%s holds %q, want %q", dir, names, wanted)
	}
	for name, data := range want {
		if raw, ok := got[name]; ok && !bytes.Equal(raw, data) {
			t.Errorf("%s has other bytes than were uploaded (%d, want %d)", name, len(raw), len(data))
		}
	}
}
