// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e && cgo && !nojuicefs

package sources_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/test/e2e/suite"
	"github.com/hoist-dev/hoist/test/juicefstest"
	"github.com/hoist-dev/hoist/test/redistest"
)

// A Model of a JuiceFS volume, metadata in Redis and blocks in a bucket, is brought to every node, and a pod reads it as the Hub's cache.
// Once it is there, reading it takes nothing from the bucket.
func TestJuiceFS_IsPrefetchedAndReadAsTheHubsCache(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	redis, origin := redistest.Start(t, s.Cluster.Computer()), suite.NewOrigin(t, s.Cluster, s.Name)
	metadata := fmt.Sprintf("redis://:%s@%s/1", redistest.Password, redis)
	volume, err := juicefstest.Format(juicefstest.Config{Name: "weights", MetaURL: metadata, Storage: "minio",
		Bucket: origin.Endpoint + "/" + origin.Bucket, AccessKey: origin.S3.AccessKey, SecretKey: origin.S3.SecretKey, Compression: "lz4"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = volume.Close() })
	contents := files(t, 11)
	for path, content := range contents {
		if err := volume.Write("llama/"+path, content); err != nil {
			t.Fatal(err)
		}
	}
	s.secret("volume", "metaurl: '"+metadata+"'")
	const spec = `source: "juicefs://weights/llama/", credentials: {secretName: volume}`
	s.model("llama", spec+", layout: {huggingFace: {repo: meta-llama/Llama-3.1-8B}}")
	s.prefetch("llama")
	before := origin.Bytes()
	commit := s.fromHub(s.reader("llama"), "meta-llama/Llama-3.1-8B", contents)

	// The same volume without the layout shares its bytes. What can't be read is said in words.
	revision := s.model("plain", spec)
	if !strings.HasPrefix(revision, "sha256:"+commit) {
		t.Errorf("main is %s, which is not of the revision %s", commit, revision)
	}
	s.Compare(s.reader("plain"), "/models/plain/", contents)
	if after := origin.Bytes(); before < 32<<20 || after != before {
		t.Errorf("two nodes took %d bytes of blocks, and reading %d more", before, after-before)
	}
	said := s.refused("other", `source: "juicefs://other/llama/", credentials: {secretName: volume}`, v1alpha1.SourceNotFoundReason)
	if !strings.Contains(said, "weights") {
		t.Errorf("the volume is weights and not other, but what is said is: %s", said)
	}
	s.secret("nowhere", "metaurl: '"+strings.Replace(metadata, redis, s.Cluster.Computer()+":1", 1)+"'")
	if said := s.refused("nowhere", `source: "juicefs://weights/llama/", credentials: {secretName: nowhere}`, v1alpha1.SourceUnavailableReason); strings.Contains(said, redistest.Password) {
		t.Errorf("a password is said: %s", said)
	}
	s.secret("file", "metaurl: 'sqlite3://"+filepath.Join(share, "meta.db")+"'")
	s.refused("file", `source: "juicefs://weights/llama/", credentials: {secretName: file}`, v1alpha1.SourceUnsupportedReason)
}
