// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !nojuicefs

package objectstore_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/juicedata/juicefs/pkg/object"

	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/source/objectstore"
	"github.com/hoist-dev/hoist/test/s3test/versity"
)

// The stores that need this source can't be run here. Its code runs against versitygw, by
// the one driver of the same library that speaks to it.
func TestSource_KeepsTheContractOnVersitygw(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	const id, secret = "AKIDTEST", "secretsecret"
	dir := t.TempDir()
	server, err := versity.Start(t.Context(), versity.Config{Bin: versity.Build(t), Dir: dir, AccessKey: id, SecretKey: secret, Region: "eu-central-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	buckets, age := 0, time.Duration(0)
	cachetest.Source(t, func(t *testing.T) cachetest.SourceFixture {
		t.Helper()
		buckets++
		bucket := fmt.Sprintf("hoist-%d", buckets)
		at := func(name string) string { return server.Endpoint() + "/" + name + "?region=eu-central-1" }
		store, err := object.CreateStorage("minio", at(bucket), id, secret, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		src := objectstore.New(objectstore.Config{Scheme: "az", Kind: "minio", Bucket: at, AccessKey: id, SecretKey: secret})
		t.Cleanup(func() { _ = src.Close() })
		return cachetest.SourceFixture{Source: src, Base: "az://" + bucket + "/", Holds: holds,
			Put: func(key string, content []byte) {
				if err := store.Put(context.WithoutCancel(t.Context()), key, bytes.NewReader(content)); err != nil {
					t.Fatalf("put %q: %v", key, err)
				}
				// The server stamps objects in whole seconds: each is one second younger than the one before.
				age += time.Second
				stamp := time.Now().Add(age)
				if err := os.Chtimes(stored(t, dir, bucket, key), stamp, stamp); err != nil {
					t.Fatal(err)
				}
			},
			Remove: func(key string) {
				if err := store.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}}
	})
}

// stored is the file that versitygw keeps an object in.
func stored(t *testing.T, dir, bucket, key string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", bucket))
	if err != nil || len(found) == 0 {
		found = []string{filepath.Join(dir, bucket)}
	}
	return filepath.Join(found[0], filepath.FromSlash(key))
}

func holds(key string) bool {
	for name := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if name == "" || name == "." || name == ".." || len(name) > 255 {
			return false
		}
	}
	return !strings.ContainsAny(key, "\\\t")
}
