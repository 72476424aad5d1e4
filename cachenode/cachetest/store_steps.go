// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"bytes"
	"errors"
	"hash/crc32"
	"testing"
	"unsafe"

	"github.com/hoist-dev/hoist/cachenode"
)

// The steps of a fill. They fail the test where the contract says that they succeed;
// those that other goroutines may call don't end it.

func begin(t *testing.T, s cachenode.Store, m Model) cachenode.Filling {
	t.Helper()
	f, err := s.Begin(t.Context(), m.Manifest)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	t.Cleanup(f.End)
	return f
}

func ingest(t *testing.T, f cachenode.Filling, file cachenode.File) cachenode.Ingest {
	t.Helper()
	in, err := f.Ingest(t.Context(), file)
	if err != nil {
		t.Fatalf("Ingest(%s): %v", file.Path, err)
	}
	return in
}

// chunk is what chunk i of a file holds.
func chunk(m Model, file cachenode.File, i int) []byte {
	r := cachenode.ChunkRange(file.Size, i)
	return m.Content[file.Path][r.Off:r.End()]
}

func crcOf(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }

// put writes chunk i and marks it.
func put(t *testing.T, in cachenode.Ingest, m Model, file cachenode.File, i int) {
	t.Helper()
	if err := in.Write(chunk(m, file, i), cachenode.ChunkRange(file.Size, i).Off, cachenode.Cached); err != nil {
		t.Errorf("Write of chunk %d of %s: %v", i, file.Path, err)
	}
	mark(t, in, m, file, i)
}

func mark(t *testing.T, in cachenode.Ingest, m Model, file cachenode.File, i int) {
	t.Helper()
	if err := in.MarkVerified(i, crcOf(chunk(m, file, i))); err != nil {
		t.Errorf("MarkVerified of chunk %d of %s: %v", i, file.Path, err)
	}
}

func sealed(t *testing.T, in cachenode.Ingest) {
	t.Helper()
	if err := in.Seal(t.Context()); err != nil {
		t.Errorf("Seal: %v", err)
	}
}

func closed(t *testing.T, in cachenode.Ingest, discard bool) {
	t.Helper()
	if err := in.Close(discard); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// fill writes what an ingest lacks, seals and closes it.
func fill(t *testing.T, in cachenode.Ingest, m Model, file cachenode.File) {
	t.Helper()
	for i := range cachenode.Chunks(file.Size) {
		if _, ok := in.Verified(i); !ok {
			put(t, in, m, file, i)
		}
	}
	sealed(t, in)
	closed(t, in, false)
}

func seal(t *testing.T, f cachenode.Filling, m Model, file cachenode.File) {
	t.Helper()
	fill(t, ingest(t, f, file), m, file)
}

func publish(t *testing.T, f cachenode.Filling) {
	t.Helper()
	if err := f.Publish(t.Context()); err != nil {
		t.Fatalf("Publish: %v", err)
	}
}

// published brings all of m into s and checks that it is there.
func published(t *testing.T, s cachenode.Store, m Model) {
	t.Helper()
	f := begin(t, s, m)
	defer f.End()
	for _, file := range m.Files {
		in, err := f.Ingest(t.Context(), file)
		if errors.Is(err, cachenode.ErrSealed) {
			continue
		}
		if err != nil {
			t.Fatalf("Ingest(%s): %v", file.Path, err)
		}
		fill(t, in, m, file)
	}
	publish(t, f)
	holds(t, s, m)
}

// holds checks that all files of m are visible with the right bytes.
func holds(t *testing.T, s cachenode.Store, m Model) {
	t.Helper()
	reader, ok := s.(FileReader)
	if !ok {
		return
	}
	for path, want := range m.Content {
		if got, err := reader.ReadFile(m.Revision(), path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes, %v; want the %d that were written", path, len(got), err, len(want))
		}
	}
}

// hides checks that no file of m is visible.
func hides(t *testing.T, s cachenode.Store, m Model) {
	t.Helper()
	reader, ok := s.(FileReader)
	if !ok {
		return
	}
	for path := range m.Content {
		if got, err := reader.ReadFile(m.Revision(), path); err == nil {
			t.Errorf("%s is visible with %d bytes before it is published", path, len(got))
		}
	}
}

// aligned is n bytes on a 4096-byte boundary, as direct I/O wants them, with whole
// blocks of room behind.
func aligned(n int) []byte {
	const block = 4096
	room := (n+block-1)/block*block + block
	b := make([]byte, room)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (block - 1)
	return b[skip : skip+n]
}
