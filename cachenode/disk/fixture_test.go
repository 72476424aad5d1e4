// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// model is a manifest and what its files hold.
type model struct {
	cachenode.Manifest
	content map[string][]byte // by path
}

// newModel makes files of the given sizes. Equal tags make equal files: the tag of a
// file is its identity at the origin.
func newModel(prefix string, files map[string]tagged) model {
	m := model{content: map[string][]byte{}}
	var list []cachenode.File
	for name, f := range files {
		m.content[name] = f.bytes()
		list = append(list, cachenode.File{Path: name, Size: int64(f.size), Source: cachenode.Identity{Key: name, ETag: fmt.Sprintf("%q", fmt.Sprint(f.tag, "-", f.size))}})
	}
	var err error
	m.Manifest, err = cachenode.NewManifest(cachenode.Origin{Scheme: "s3", Bucket: "b", Prefix: prefix + "/"}, list)
	if err != nil {
		panic(err)
	}
	return m
}

// tagged is a file's content: size bytes that follow from the tag.
type tagged struct {
	tag  uint64
	size int
}

func (f tagged) bytes() []byte {
	b := make([]byte, f.size)
	random := rand.New(rand.NewPCG(f.tag, uint64(f.size)))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func small(prefix string, tag uint64) model {
	return newModel(prefix, map[string]tagged{"config.json": {tag, 100}, "a/weights.safetensors": {tag + 1, 9000}, "empty": {tag, 0}})
}

// fill puts m into store as fetch does.
func fill(ctx context.Context, store cachenode.Store, m model) error {
	filling, err := store.Begin(ctx, m.Manifest)
	if err != nil {
		return err
	}
	defer filling.End()
	for _, f := range m.Files {
		if err := ingestFile(ctx, filling, f, m.content[f.Path]); err != nil {
			return err
		}
	}
	return filling.Publish(ctx)
}

func ingestFile(ctx context.Context, filling cachenode.Filling, f cachenode.File, content []byte) error {
	in, err := filling.Ingest(ctx, f)
	if errors.Is(err, cachenode.ErrSealed) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range cachenode.Chunks(f.Size) {
		if _, ok := in.Verified(i); ok {
			continue
		}
		if err := ingestChunk(in, f, content, i); err != nil {
			return errors.Join(err, in.Close(false))
		}
	}
	if err := in.Seal(ctx); err != nil {
		return errors.Join(err, in.Close(false))
	}
	return in.Close(false)
}

func ingestChunk(in cachenode.Ingest, f cachenode.File, content []byte, i int) error {
	span := cachenode.ChunkRange(f.Size, i)
	p := content[span.Off:span.End()]
	if err := in.Write(p, span.Off, cachenode.Cached); err != nil {
		return err
	}
	return in.MarkVerified(i, checksum.Chunk(p))
}

func mustFill(t testing.TB, store cachenode.Store, m model) {
	t.Helper()
	if err := fill(t.Context(), store, m); err != nil {
		t.Fatalf("fill: %v", err)
	}
}

// privateDir is a folder that a store accepts as its parent.
func privateDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fastDir is a privateDir in memory, where there is one: for tests that sync thousands
// of times and never lose power.
func fastDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "hoist-test-") //nolint:usetesting // not where t.TempDir is
	if err != nil {
		return privateDir(t)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func openStore(t testing.TB, root string, o Options) *Store {
	t.Helper()
	s, err := Open(root, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func reopen(t testing.TB, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return openStore(t, s.path, s.options)
}

// same reports how the files below dir differ from m.
func same(dir string, m model) error {
	seen := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || e.IsDir() {
			if name == cachenode.Reserved {
				return fs.SkipDir
			}
			return err
		}
		want, ok := m.content[name]
		got, err := os.ReadFile(path)
		switch {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("%s should not be there", name)
		case !bytes.Equal(got, want):
			return fmt.Errorf("%s has other bytes", name)
		}
		seen++
		return nil
	})
	if err == nil && seen != len(m.content) {
		err = fmt.Errorf("%d files, want %d", seen, len(m.content))
	}
	return err
}

// revisions are the revisions in the index.
func revisions(s *Store) map[cachenode.Revision]bool {
	found := map[cachenode.Revision]bool{}
	for _, c := range s.List() {
		found[c.Revision] = true
	}
	return found
}

// clock is a time that tests move.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) tick() time.Time {
	c.now = c.now.Add(time.Second)
	return c.now
}
