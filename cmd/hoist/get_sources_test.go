// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/test/hubtest"
)

const hubToken = "hf_canary3f9c1dNeverToBeSeen"

func TestGet_FromAHub(t *testing.T) {
	t.Parallel()
	hub := hubtest.New()
	t.Cleanup(hub.Close)
	hub.RequireToken(hubToken)
	weights := cachetest.Bytes(1, 3<<20)
	hub.Put("o/r", "a/notes.txt", hubtest.Bytes(weights), true)
	hub.Put("o/r", "config.json", hubtest.Bytes([]byte("{}")), false)
	dir := filepath.Join(t.TempDir(), "m")
	env := []string{"HF_ENDPOINT=" + hub.URL(), "HF_TOKEN=" + hubToken}
	hoist(t, env, "get", "hf://o/r", dir).want(t, exitOK)
	sameFile(t, filepath.Join(dir, "a", "notes.txt"), weights)
	sameFile(t, filepath.Join(dir, "config.json"), []byte("{}"))
	hub.Put("o/r", "config.json", hubtest.Bytes([]byte("{ }")), false)
	o := hoist(t, env, "get", "hf://o/r@main", dir)
	o.want(t, exitOK)
	if !strings.Contains(o.stdout, "fetched 3 B") {
		t.Errorf("a commit that changes one small file: %s", o.stdout)
	}
	hoist(t, env, "get", "hf://o/none", dir).want(t, exitNotFound, "HF_TOKEN")
	hoist(t, env[:1], "get", "hf://o/r", dir).want(t, exitNotFound, "HF_TOKEN")
}

func TestGet_FromAFolder(t *testing.T) {
	t.Parallel()
	from, dir := t.TempDir(), filepath.Join(t.TempDir(), "m")
	weights := cachetest.Bytes(1, 3<<20)
	if err := os.WriteFile(filepath.Join(from, "notes.txt"), weights, 0o600); err != nil {
		t.Fatal(err)
	}
	hoist(t, nil, "get", "file://"+from+"/", dir).want(t, exitOK)
	sameFile(t, filepath.Join(dir, "notes.txt"), weights)
	hoist(t, nil, "get", "file://"+from+"/none", dir).want(t, exitNotFound)
	if err := os.Symlink("/etc/passwd", filepath.Join(from, "x")); err != nil {
		t.Fatal(err)
	}
	hoist(t, nil, "get", "file://"+from+"/", dir).want(t, exitUnsafe, "leads out of the folder")
	hoist(t, nil, "get", "ftp://host/x/", dir).want(t, exitUsage, "not supported", "hf", "s3")
}

func sameFile(t *testing.T, path string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, %v", path, len(got), err)
	}
}
