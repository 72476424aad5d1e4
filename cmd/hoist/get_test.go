// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// get runs hoist get --json and returns its summary.
func (b *bucket) get(key, dir string, flags ...string) getSummary {
	b.t.Helper()
	o := hoist(b.t, b.env, append([]string{"get", b.uri(key), dir, "--json"}, flags...)...)
	o.want(b.t, exitOK)
	var s getSummary
	if err := json.Unmarshal([]byte(o.stdout), &s); err != nil {
		b.t.Errorf("summary %q: %v", o.stdout, err)
	}
	return s
}

// fails runs hoist get, which must fail with this code and say so.
func (b *bucket) fails(code int, key, dir string, says ...string) {
	b.t.Helper()
	hoist(b.t, b.env, "get", b.uri(key), dir).want(b.t, code, says...)
}

func TestGet_PutsThePrefixInTheDirectoryAndKeepsItCurrent(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), filepath.Join(t.TempDir(), "deep", "model")
	model := files{"config.json": []byte("{}"), "w/a/1.dat": random(20 << 20), "w/2.dat": random(1), "empty": {}, "with space+%41é": random(100)}
	b.put("m/", model)
	b.put("m-sibling/", files{"x": random(10)})
	b.put("", files{"m.txt": random(10)})

	o := hoist(t, b.env, "get", b.uri("m/"), dir)
	o.want(t, exitOK)
	wantFiles(t, dir, model)
	if !strings.Contains(o.stdout, "5 files, 20 MiB") {
		t.Errorf("summary: %q", o.stdout)
	}

	if o := hoist(t, b.env, "get", b.uri("m"), dir); o.code != exitOK || !strings.Contains(o.stdout, "is up to date") {
		t.Errorf("again: exit code %d, %q, %q", o.code, o.stdout, o.stderr)
	}
	if s := b.get("m/", dir); s.Fetched != 0 || s.Files != 5 || s.Bytes != 20<<20+103 || s.Path != dir {
		t.Errorf("once more: %+v", s)
	}

	foreign := filepath.Join(dir, "w", "notes")
	if err := os.WriteFile(foreign, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	changed := maps.Clone(model)
	changed["config.json"] = []byte("{\"v\": 2}")
	delete(changed, "w/2.dat")
	b.put("m/", files{"config.json": changed["config.json"]})
	b.remove("m/w/2.dat")
	if s := b.get("m/", dir); s.Fetched != int64(len(changed["config.json"])) {
		t.Errorf("after a change: %+v", s)
	}
	changed["w/notes"] = []byte("mine")
	wantFiles(t, dir, changed)
}

func TestGet_SingleObject(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	b.put("m/", files{"tokenizer.model": random(300), "other.model": random(300)})
	one := random(3000)
	b.put("m/", files{"tokenizer.model": one})
	b.get("m/tokenizer.model", dir)
	wantFiles(t, dir, files{"tokenizer.model": one})
}

func TestGet_IncludeAndExclude(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	model := files{"config.json": random(10), "original/config.json": random(10), "a.safetensors.index": random(10)}
	b.put("m/", model)
	b.get("m/", dir, "--include", "*.json", "--exclude", "original/*")
	wantFiles(t, dir, files{"config.json": model["config.json"]})
}
