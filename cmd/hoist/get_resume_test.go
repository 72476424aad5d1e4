// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// slowly starts a hoist get that takes seconds, and waits until some chunks are there.
func (b *bucket) slowly(key, dir string) *process {
	b.t.Helper()
	p := start(b.t, b.env, "get", b.uri(key), dir, "--json", "--connections", "1", "--bandwidth", "16MiB")
	eventually(b.t, "a chunk is verified", func() bool { return lastDone(b.t, p.stderr.String()) >= 17<<20 })
	return p
}

// lastDone is how far the last whole progress line of hoist get --json is.
func lastDone(t *testing.T, stderr string) int64 {
	t.Helper()
	lines := strings.Split(stderr, "\n")
	if len(lines) < 2 {
		return 0
	}
	last := lines[len(lines)-2]
	var p struct{ BytesDone int64 }
	if err := json.Unmarshal([]byte(last), &p); err != nil {
		t.Fatalf("progress %q: %v", last, err)
	}
	return p.BytesDone
}

// B2, A1: whatever ends a download, no file is there in part, and the next run fetches
// what is missing only.
func TestGet_ResumesAfterItsEnd(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		signal syscall.Signal
		code   int
	}{
		"kill -9": {syscall.SIGKILL, -1},
		"SIGTERM": {syscall.SIGTERM, exitInterrupted},
		"SIGINT":  {syscall.SIGINT, exitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const size = 40 << 20
			b, dir := newBucket(t), t.TempDir()
			model := files{"weights.dat": random(size)}
			b.put("m/", model)
			p := b.slowly("m/", dir)
			p.signal(row.signal)
			p.wait().want(t, row.code)
			wantFiles(t, dir, files{})
			if s := b.get("m/", dir); s.Fetched == 0 || s.Fetched > size-16<<20 {
				t.Errorf("the next run fetched %d of %d bytes", s.Fetched, size)
			}
			wantFiles(t, dir, model)
		})
	}
}

func TestGet_DirectoryInUse(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	b.put("m/", files{"weights.dat": random(40 << 20)})
	p := b.slowly("m/", dir)
	b.fails(exitInUse, "m/", dir, dir)
	hoist(t, b.env, "verify", dir).want(t, exitInUse, dir)
	p.signal(syscall.SIGKILL)
	p.wait()
}

func TestVerify_FindsBitRotAndTheNextGetMendsIt(t *testing.T) {
	t.Parallel()
	b, dir := newBucket(t), t.TempDir()
	model := files{"config.json": []byte("{}"), "weights.dat": random(1 << 20)}
	b.put("m/", model)
	b.get("m/", dir)
	if o := hoist(t, nil, "verify", dir); o.code != exitOK || !strings.Contains(o.stdout, "intact (2 files, 1.0 MiB, revision ") {
		t.Errorf("verify: exit code %d, %q", o.code, o.stdout)
	}
	flip(t, filepath.Join(dir, "weights.dat"))
	hoist(t, nil, "verify", dir).want(t, exitCorrupt, "weights.dat")
	if s := b.get("m/", dir); s.Fetched != 1<<20 {
		t.Errorf("mending fetched %d bytes", s.Fetched)
	}
	hoist(t, nil, "verify", dir).want(t, exitOK)
	wantFiles(t, dir, model)
}

// flip changes one bit as a disk does: nothing else shows it.
func flip(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, info.Mode()); err != nil {
		t.Fatal(err)
	}
}

func TestGet_QuietPrintsNothing(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("m/", files{"x": random(10)})
	if o := hoist(t, b.env, "get", b.uri("m/"), t.TempDir(), "--quiet"); o != (outcome{}) {
		t.Errorf("%+v", o)
	}
}
