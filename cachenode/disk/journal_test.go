// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

const journalSize = 40 * cachenode.ChunkSize

// writeJournal writes changes and returns the file and what they amount to.
func writeJournal(t testing.TB, changes []int) ([]byte, claims) {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f := &fsys{root: root}
	got, err := f.create("journal", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	j, err := startJournal(got, journalSize, "life 1")
	if err != nil {
		t.Fatal(err)
	}
	want := claims{}
	for n, change := range changes {
		chunk, held := change>>1, uint32(change&1)
		if err := j.append(chunk, held, uint32(n)); err != nil {
			t.Fatal(err)
		}
		if delete(want, chunk); held == recordHeld {
			want[chunk] = uint32(n)
		}
	}
	raw, err := os.ReadFile(filepath.Join(root.Name(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	return raw, want
}

func TestJournal_SaysWhatWasWrittenAndIgnoresATornEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		changes := rapid.SliceOfN(rapid.IntRange(0, 79), 0, 60).Draw(r, "changes")
		raw, _ := writeJournal(t, changes)
		whole := rapid.IntRange(0, len(changes)).Draw(r, "whole records")
		torn := rapid.IntRange(0, recordSize-1).Draw(r, "torn bytes")
		cut := min(len(raw), headerSize+whole*recordSize+torn)
		if cut == len(raw) {
			whole = len(changes)
		}
		_, want := writeJournal(t, changes[:whole])
		got, end, same, ok := parseJournal(raw[:cut], journalSize, "life 1")
		if !ok || !same || !maps.Equal(got, want) || end != int64(headerSize+whole*recordSize) {
			r.Fatalf("cut at %d: %v, end %d, same %v, ok %v; want %v", cut, got, end, same, ok, want)
		}
	})
}

func TestJournal_IsOfOneBlobAndOneLife(t *testing.T) {
	t.Parallel()
	raw, want := writeJournal(t, []int{1, 3, 5})
	if got, _, same, ok := parseJournal(raw, journalSize, "life 2"); !ok || same || !maps.Equal(got, want) {
		t.Errorf("another life: %v, same %v, ok %v", got, same, ok)
	}
	if _, _, _, ok := parseJournal(raw, journalSize+1, "life 1"); ok {
		t.Error("a blob of another size has it")
	}
	for i := range headerSize {
		damaged := append([]byte(nil), raw...)
		damaged[i] ^= 1
		if _, _, _, ok := parseJournal(damaged, journalSize, "life 1"); ok {
			t.Errorf("a damaged header passes (byte %d)", i)
		}
	}
}

func FuzzJournal(f *testing.F) {
	raw, _ := writeJournal(f, []int{1, 3, 2, 9})
	f.Add(raw)
	f.Add(raw[:headerSize+3])
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, end, _, ok := parseJournal(raw, journalSize, "life 1")
		if !ok {
			return
		}
		if end > int64(len(raw)) {
			t.Errorf("end %d of %d bytes", end, len(raw))
		}
		for chunk := range got {
			if chunk < 0 || chunk >= cachenode.Chunks(journalSize) {
				t.Errorf("chunk %d", chunk)
			}
		}
	})
}

func FuzzSums(f *testing.F) {
	f.Add(sums{size: 5, chunks: []uint32{7}}.encode())
	f.Add(sums{}.encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := decodeSums(raw)
		if err == nil && !bytes.Equal(s.encode(), raw) {
			t.Errorf("%x decodes to %+v and back to something else", raw, s)
		}
	})
}

// The kernel of every machine that runs these tests tells lives apart.
func TestLife_IsTheSameUntilTheMountChanges(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, ok := mountID(root); !ok {
		t.Skip("this kernel (before 6.8) has no unique mount ids: every resume reads what it trusts")
	}
	f := &fsys{root: root}
	if a, b := f.lifetime(), f.lifetime(); a != b || len(a) > lifeSize {
		t.Errorf("lives %q and %q", a, b)
	}
}
