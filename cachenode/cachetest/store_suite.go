// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"bytes"
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// FileReader is a Store that shows what it published. Stores do that each in their
// own way (a directory, a mount), so the port does not have it; without it the suite
// can't prove that the bytes are right.
type FileReader interface {
	// ReadFile returns a file of a published revision, or an error.
	ReadFile(rev cachenode.Revision, path string) ([]byte, error)
}

// Store proves that a Store keeps its contract. It calls open once for each subtest:
// an empty store with room for 256 MiB, that may also be a [FileReader].
func Store(t *testing.T, open func(t *testing.T) cachenode.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, cachenode.Store){
		"published files hold their bytes":        storePublishes,
		"without room nothing begins":             storeNoSpace,
		"a manifest that is not valid is refused": storeInvalid,
		"a complete blob is ErrSealed":            storeSealed,
		"one ingest of a blob at a time":          storeOneIngest,
		"verified chunks stay":                    storeResumes,
		"a forgotten chunk is missing":            storeForgets,
		"discarding starts over":                  storeDiscards,
		"a missing chunk keeps a blob open":       storeIncompleteBlob,
		"an open blob keeps a revision invisible": storeIncompleteRevision,
		"publishing again is a success":           storePublishesAgain,
		"ending again does nothing":               storeEndsAgain,
		"revisions share blobs":                   storeSharesBlobs,
		"a file may become a folder":              storeFileBecomesFolder,
		"any placement, any alignment":            storePlacements,
		"disjoint ranges at the same time":        storeConcurrentWrites,
		"many fillings at the same time":          storeConcurrentFillings,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// A2: zero-byte files, odd tails, folders, more than one chunk.
func storePublishes(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{
		"empty": {}, "config.json": Bytes(1, 1), "a/b/c": Bytes(2, 4095), "a/b/d": Bytes(3, 4096), "a/e": Bytes(4, 4097),
		"w.safetensors": Bytes(5, 2*cachenode.ChunkSize+5),
	})
	published(t, s, m)
}

// D1: before the first byte, and without harm to what does fit.
func storeNoSpace(t *testing.T, s cachenode.Store) {
	fits := NewModel(t, map[string][]byte{"x": Bytes(1, 10_000)})
	published(t, s, fits)
	huge := NewModel(t, map[string][]byte{"x": Bytes(2, 1)})
	huge.Files[0].Size = math.MaxInt64 >> 14 // 512 TiB
	if f, err := s.Begin(t.Context(), huge.Manifest); cachenode.KindOf(err) != cachenode.ErrNoSpace {
		if err == nil {
			f.End()
		}
		t.Fatalf("Begin with 512 TiB: %v, want ErrNoSpace", err)
	}
	holds(t, s, fits)
	published(t, s, NewModel(t, map[string][]byte{"x": Bytes(3, 10_000)}))
}

// J1: a store is the last gate before the file system.
func storeInvalid(t *testing.T, s cachenode.Store) {
	for _, path := range []string{"../x", "/etc/passwd", "", "a/../../x"} {
		m := NewModel(t, map[string][]byte{"x": Bytes(1, 1)})
		m.Files[0].Path = path
		if f, err := s.Begin(t.Context(), m.Manifest); err == nil {
			f.End()
			t.Errorf("%q was taken", path)
		}
	}
}

func storeSealed(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"x": Bytes(1, 100), "empty": {}})
	f := begin(t, s, m)
	for _, file := range m.Files {
		seal(t, f, m, file)
		if _, err := f.Ingest(t.Context(), file); !errors.Is(err, cachenode.ErrSealed) {
			t.Errorf("Ingest(%s) again: %v, want ErrSealed", file.Path, err)
		}
	}
	f.End()
	again := begin(t, s, m)
	for _, file := range m.Files {
		if _, err := again.Ingest(t.Context(), file); !errors.Is(err, cachenode.ErrSealed) {
			t.Errorf("Ingest(%s) of a later filling: %v, want ErrSealed", file.Path, err)
		}
	}
}

func storeOneIngest(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"x": Bytes(1, 100)})
	f, other := begin(t, s, m), begin(t, s, m)
	in := ingest(t, f, m.Files[0])
	for name, f := range map[string]cachenode.Filling{"of the same filling": f, "of another": other} {
		if _, err := f.Ingest(t.Context(), m.Files[0]); !errors.Is(err, cachenode.ErrInUse) {
			t.Errorf("a second ingest %s: %v, want ErrInUse", name, err)
		}
	}
	closed(t, in, false)
	seal(t, other, m, m.Files[0])
}

// B2: what is verified is not fetched again, by the next ingest or the next filling.
func storeResumes(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"x": Bytes(1, 2*cachenode.ChunkSize+5)})
	f := begin(t, s, m)
	in := ingest(t, f, m.Files[0])
	put(t, in, m, m.Files[0], 1)
	put(t, in, m, m.Files[0], 2)
	check := func(in cachenode.Ingest) {
		t.Helper()
		for i, want := range []bool{false, true, true} {
			crc, ok := in.Verified(i)
			if ok != want || want && crc != crcOf(chunk(m, m.Files[0], i)) {
				t.Errorf("chunk %d: verified %v with %08x", i, ok, crc)
			}
		}
		last := chunk(m, m.Files[0], 2)
		got := make([]byte, len(last))
		if n, err := in.ReadAt(got, 2*cachenode.ChunkSize); n != len(last) || !bytes.Equal(got, last) {
			t.Errorf("chunk 2 reads back other bytes: %d, %v", n, err)
		}
	}
	check(in)
	closed(t, in, false)
	in = ingest(t, f, m.Files[0])
	check(in)
	closed(t, in, false)
	f.End()
	f = begin(t, s, m)
	in = ingest(t, f, m.Files[0])
	check(in)
	put(t, in, m, m.Files[0], 0)
	sealed(t, in)
	closed(t, in, false)
	publish(t, f)
	holds(t, s, m)
}

// A3: what a checksum refuses is missing again, now and after a break.
func storeForgets(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"x": Bytes(1, cachenode.ChunkSize+5)})
	f := begin(t, s, m)
	in := ingest(t, f, m.Files[0])
	put(t, in, m, m.Files[0], 0)
	put(t, in, m, m.Files[0], 1)
	if err := in.Forget(1); err != nil {
		t.Fatalf("Forget: %v", err)
	}
	for range 2 {
		if _, ok := in.Verified(1); ok {
			t.Error("the chunk is still verified")
		}
		if _, ok := in.Verified(0); !ok {
			t.Error("its neighbor went with it")
		}
		if err := in.Seal(t.Context()); cachenode.KindOf(err) != cachenode.ErrIncomplete {
			t.Errorf("Seal: %v, want ErrIncomplete", err)
		}
		closed(t, in, false)
		in = ingest(t, f, m.Files[0])
	}
	put(t, in, m, m.Files[0], 1)
	sealed(t, in)
	closed(t, in, false)
	publish(t, f)
	holds(t, s, m)
}

func storeDiscards(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"x": Bytes(1, 5000)})
	f := begin(t, s, m)
	in := ingest(t, f, m.Files[0])
	put(t, in, m, m.Files[0], 0)
	closed(t, in, true)
	in = ingest(t, f, m.Files[0])
	if _, ok := in.Verified(0); ok {
		t.Error("a discarded chunk is still verified")
	}
	closed(t, in, true)
	seal(t, f, m, m.Files[0])
	publish(t, f)
	holds(t, s, m)
}

// A2: after an error nothing is sealed.
func storeIncompleteBlob(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"x": Bytes(1, cachenode.ChunkSize+1)})
	f := begin(t, s, m)
	in := ingest(t, f, m.Files[0])
	put(t, in, m, m.Files[0], 0)
	if err := in.Write(chunk(m, m.Files[0], 1), cachenode.ChunkSize, cachenode.Cached); err != nil {
		t.Fatalf("Write: %v", err) // written, but not marked
	}
	if err := in.Seal(t.Context()); cachenode.KindOf(err) != cachenode.ErrIncomplete {
		t.Errorf("Seal: %v, want ErrIncomplete", err)
	}
	closed(t, in, false)
	in = ingest(t, f, m.Files[0]) // not ErrSealed
	closed(t, in, false)
	if err := f.Publish(t.Context()); cachenode.KindOf(err) != cachenode.ErrIncomplete {
		t.Errorf("Publish: %v, want ErrIncomplete", err)
	}
	hides(t, s, m)
}

// A2: whole or not at all.
func storeIncompleteRevision(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"a": Bytes(1, 10), "b": Bytes(2, 10)})
	f := begin(t, s, m)
	seal(t, f, m, m.Files[0])
	if err := f.Publish(t.Context()); cachenode.KindOf(err) != cachenode.ErrIncomplete {
		t.Errorf("Publish: %v, want ErrIncomplete", err)
	}
	hides(t, s, m)
	seal(t, f, m, m.Files[1])
	hides(t, s, m)
	publish(t, f)
	holds(t, s, m)
}

func storePublishesAgain(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"a": Bytes(1, 10), "b": {}})
	published(t, s, m)
	f := begin(t, s, m)
	publish(t, f)
	publish(t, f)
	f.End()
	holds(t, s, m)
}

func storeEndsAgain(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"x": Bytes(1, 10)})
	f, other := begin(t, s, m), begin(t, s, m)
	f.End()
	f.End()
	seal(t, other, m, m.Files[0])
	publish(t, other)
	f.End()
	holds(t, s, m)
}

func storeSharesBlobs(t *testing.T, s cachenode.Store) {
	same := Bytes(1, 5000)
	published(t, s, NewModel(t, map[string][]byte{"same": same, "config.json": Bytes(2, 10)}))
	next := NewModel(t, map[string][]byte{"same": same, "config.json": Bytes(3, 10)})
	f := begin(t, s, next)
	for _, file := range next.Files {
		if file.Path == "config.json" {
			seal(t, f, next, file)
		} else if _, err := f.Ingest(t.Context(), file); !errors.Is(err, cachenode.ErrSealed) {
			t.Errorf("Ingest of what did not change: %v, want ErrSealed", err)
		}
	}
	publish(t, f)
	holds(t, s, next)
}

func storeFileBecomesFolder(t *testing.T, s cachenode.Store) {
	published(t, s, NewModel(t, map[string][]byte{"a": Bytes(1, 10), "b": Bytes(2, 10)}))
	published(t, s, NewModel(t, map[string][]byte{"a/b/c": Bytes(3, 10), "b": Bytes(2, 10)}))
}

// Direct from aligned memory, from other memory, at odd offsets, with odd tails.
func storePlacements(t *testing.T, s cachenode.Store) {
	content := map[string][]byte{}
	for name, n := range map[string]int{"blocks": 64 << 10, "tail": 64<<10 + 1, "less than a block": 100} {
		content[name] = Bytes(1, n)
	}
	m := NewModel(t, content)
	for _, step := range []int{4096, 8192, 5000, 1 << 20} {
		for _, how := range []cachenode.Placement{cachenode.Direct, cachenode.Cached} {
			for _, shift := range []int{0, 1} {
				for _, file := range m.Files {
					writeInSteps(t, s, m, file, how, step, shift)
				}
			}
		}
	}
	published(t, s, m)
}

// writeInSteps writes a file from memory that is shift bytes off alignment, reads it
// back and throws it away.
func writeInSteps(t *testing.T, s cachenode.Store, m Model, file cachenode.File, how cachenode.Placement, step, shift int) {
	t.Helper()
	f := begin(t, s, m)
	defer f.End()
	in := ingest(t, f, file)
	defer closed(t, in, true)
	want := m.Content[file.Path]
	buf := aligned(step + shift)[shift:]
	for off := 0; off < len(want); off += step {
		n := copy(buf, want[off:])
		if err := in.Write(buf[:n], int64(off), how); err != nil {
			t.Fatalf("%s: Write of %d bytes at %d, placement %d, %d bytes off: %v", file.Path, n, off, how, shift, err)
		}
	}
	got := make([]byte, len(want))
	if n, err := in.ReadAt(got, 0); n != len(want) || !bytes.Equal(got, want) {
		t.Errorf("%s in steps of %d, placement %d, %d bytes off: reads back other bytes: %d, %v", file.Path, step, how, shift, n, err)
	}
}

func storeConcurrentWrites(t *testing.T, s cachenode.Store) {
	const size, step = cachenode.ChunkSize + 12345, 1 << 20
	m := NewModel(t, map[string][]byte{"x": Bytes(1, size)})
	f := begin(t, s, m)
	in := ingest(t, f, m.Files[0])
	var writers sync.WaitGroup
	for off := 0; off < size; off += step {
		writers.Go(func() {
			buf := aligned(step)
			n := copy(buf, m.Content["x"][off:])
			how := cachenode.Placement(off / step % 2)
			if err := in.Write(buf[:n], int64(off), how); err != nil {
				t.Errorf("Write at %d: %v", off, err)
			}
		})
	}
	writers.Wait()
	for i := range 2 {
		writers.Go(func() { mark(t, in, m, m.Files[0], i) })
	}
	writers.Wait()
	sealed(t, in)
	closed(t, in, false)
	publish(t, f)
	holds(t, s, m)
}

func storeConcurrentFillings(t *testing.T, s cachenode.Store) {
	m := NewModel(t, map[string][]byte{"a": Bytes(1, 100), "b": Bytes(2, 100), "c": {}})
	var fillers sync.WaitGroup
	for range 8 {
		fillers.Go(func() {
			f, err := s.Begin(t.Context(), m.Manifest)
			if err != nil {
				t.Errorf("Begin: %v", err)
				return
			}
			defer f.End()
			for _, file := range m.Files {
				in, err := f.Ingest(t.Context(), file)
				switch {
				case err == nil:
					fill(t, in, m, file)
				case !errors.Is(err, cachenode.ErrSealed) && !errors.Is(err, cachenode.ErrInUse):
					t.Errorf("Ingest: %v", err)
				}
			}
			if err := f.Publish(t.Context()); err != nil && cachenode.KindOf(err) != cachenode.ErrIncomplete {
				t.Errorf("Publish: %v", err)
			}
		})
	}
	fillers.Wait()
	published(t, s, m)
}
