// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/cachenode"
)

// K3, B5: what the store does not know is kept, out of the way.
func TestScan_QuarantinesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	mustFill(t, s, m)
	strangers := []string{"thesis.txt", "blobs/ab/notes", "models/readme", "manifests/junk.json", "ingest/half", "blobs/zz/" + digest('e'), "use/notes"}
	for _, name := range strangers {
		at := filepath.Join(s.path, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(name), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(t, s)
	if err := same(s.Path(m.Revision()), m); err != nil {
		t.Error(err)
	}
	kept := map[string]bool{}
	entries, err := os.ReadDir(filepath.Join(s.path, quarantineDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(s.path, quarantineDir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kept[string(raw)] = true
	}
	for _, name := range strangers {
		if _, err := os.Lstat(filepath.Join(s.path, name)); !os.IsNotExist(err) || !kept[name] {
			t.Errorf("%s: still there (%v), or not in quarantine (%v)", name, err, kept[name])
		}
	}
}

func digest(c byte) string {
	out := make([]byte, 64)
	for i := range out {
		out[i] = c
	}
	return string(out)
}

func TestScan_RepairsTreesAndDropsCopiesThatLostABlob(t *testing.T) {
	t.Parallel()
	s := openStore(t, privateDir(t), Options{})
	torn, lost := small("torn", 1), small("lost", 5)
	mustFill(t, s, torn)
	mustFill(t, s, lost)
	err := errors.Join(
		os.Remove(filepath.Join(s.Path(torn.Revision()), "a", "weights.safetensors")),
		os.Remove(filepath.Join(s.path, blobPath(lost.Blob(lost.Files[0])))),
		os.MkdirAll(s.Path(lost.Revision())+partSuffix, 0o700),
	)
	if err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	if err := same(s.Path(torn.Revision()), torn); err != nil {
		t.Errorf("the tree was not repaired: %v", err)
	}
	if got := revisions(s); got[lost.Revision()] {
		t.Error("a copy without all its blobs is listed")
	}
	if _, err := os.Lstat(s.Path(lost.Revision())); !os.IsNotExist(err) {
		t.Errorf("its tree is still there: %v", err)
	}
	mustFill(t, s, lost)
	if err := same(s.Path(lost.Revision()), lost); err != nil {
		t.Error(err)
	}
}

// A removal that was cut short leaves nothing for ever.
func TestScan_RemovesTheUseOfCopiesThatAreGone(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	mustFill(t, s, m)
	if err := s.Pin(m.Revision(), true); err != nil {
		t.Fatal(err)
	}
	gone := small("gone", 5).Revision()
	for _, name := range []string{usePath(gone), usePath(gone) + partSuffix, usePath(m.Revision()) + partSuffix} {
		if err := os.WriteFile(filepath.Join(s.path, name), []byte(`{"pinned":true}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(t, s)
	entries, err := os.ReadDir(filepath.Join(s.path, useDir))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != m.Revision().Hex() {
		t.Errorf("in use: %v, want that of the copy alone", entries)
	}
	if copies := s.List(); len(copies) != 1 || !copies[0].Pinned {
		t.Errorf("the copy lost its pin: %+v", copies)
	}
}

// D4: what a start on a read-only disk can neither sweep nor move away keeps no copy from being
// used, and is seen to when the disk can be written to again.
func TestScan_LivesWithWhatItCannotSweep(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	torn, lost, next := small("torn", 3), small("lost", 5), small("next", 7)
	for _, m := range []model{m, torn, lost} {
		mustFill(t, s, m)
	}
	rev, stray := m.Revision(), blobPath(next.Blob(next.Files[0])) // a blob without sums
	left := []string{"thesis.txt", "blobs/ab/x.tmp", "blobs/ab/notes", blobPath(cachenode.BlobID(digest('e'))) + sumsSuffix, stray, "ingest/probe.tmp", "ingest/half",
		"ingest/" + digest('e') + "/journal", manifestPath(rev) + partSuffix, manifestPath(next.Revision()), modelPath(rev) + partSuffix + "/w", "models/readme",
		usePath(rev) + partSuffix, usePath(next.Revision()), "use/notes", "names/gone"}
	for _, name := range left {
		at := filepath.Join(s.path, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte("left"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(os.Remove(filepath.Join(s.Path(torn.Revision()), "config.json")), os.Remove(filepath.Join(s.path, blobPath(lost.Blob(lost.Files[0])))))
	if err != nil {
		t.Fatal(err)
	}
	readOnly := true
	s.options.hook = func(Op) error {
		if readOnly {
			return syscall.EROFS
		}
		return nil
	}
	s = reopen(t, s)
	if got := revisions(s); len(got) != 1 || !got[rev] {
		t.Errorf("listed are %v", got)
	}
	if err := same(s.Path(rev), m); err != nil {
		t.Error(err)
	}
	if err := fill(t.Context(), s, next); !errors.Is(err, cachenode.ErrReadOnly) {
		t.Errorf("fill() = %v", err)
	}
	readOnly = false
	for _, m := range []model{torn, lost, next} {
		mustFill(t, s, m)
		if err := errors.Join(same(s.Path(m.Revision()), m), s.Verify(t.Context(), m.Revision())); err != nil {
			t.Error(err)
		}
	}
	s = reopen(t, s)
	if got := revisions(s); len(got) != 4 {
		t.Errorf("at last: %v", got)
	}
	for _, name := range left {
		if raw, err := os.ReadFile(filepath.Join(s.path, name)); err == nil && string(raw) == "left" {
			t.Errorf("%s is still there", name)
		}
	}
}

// Bytes that nobody vouches for do not get the sums of those that were to replace them.
func TestScan_ABlobWithoutSumsIsNeverTakenForWhole(t *testing.T) {
	t.Parallel()
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	f := m.Files[0]
	blob := blobPath(m.Blob(f))
	at := filepath.Join(s.path, blob)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, make([]byte, f.Size), 0o600)); err != nil {
		t.Fatal(err)
	}
	s.options.hook = func(op Op) error {
		if op.Kind == "rename" && (op.Path == blob || op.To == blob) { // neither moved away nor replaced by what was fetched
			return syscall.EROFS
		}
		return nil
	}
	s = reopen(t, s)
	if err := fill(t.Context(), s, m); !errors.Is(err, cachenode.ErrReadOnly) {
		t.Fatalf("fill() = %v", err)
	}
	s.options.hook = nil
	s = reopen(t, s)
	mustFill(t, s, m)
	if err := same(s.Path(m.Revision()), m); err != nil {
		t.Error(err)
	}
}

// B2: what was verified before the process died is not fetched again.
func TestScan_UnfinishedBlobsKeepTheirVerifiedChunks(t *testing.T) {
	t.Parallel()
	s := openStore(t, privateDir(t), Options{})
	m := newModel("m", map[string]tagged{"w": {1, 2*cachenode.ChunkSize + 77}})
	f := m.Files[0]
	for i := range cachenode.Chunks(f.Size) {
		filling, err := s.Begin(t.Context(), m.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		in, err := filling.Ingest(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for held := range cachenode.Chunks(f.Size) {
			if _, ok := in.Verified(held); ok != (held < i) {
				t.Errorf("before chunk %d: chunk %d verified is %v", i, held, ok)
			}
		}
		if err := errors.Join(ingestChunk(in, f, m.content["w"], i), in.Close(false)); err != nil {
			t.Fatal(err)
		}
		filling.End()
		s = reopen(t, s)
	}
	mustFill(t, s, m)
	if err := same(s.Path(m.Revision()), m); err != nil {
		t.Error(err)
	}
}

// An ingest that can't be opened keeps what an earlier one verified.
func TestIngest_FailureToResumeLosesNothing(t *testing.T) {
	t.Parallel()
	s := openStore(t, privateDir(t), Options{})
	m := newModel("m", map[string]tagged{"w": {1, cachenode.ChunkSize + 77}})
	f := m.Files[0]
	filling, err := s.Begin(t.Context(), m.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	defer filling.End()
	in, err := filling.Ingest(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ingestChunk(in, f, m.content["w"], 0), in.Close(false)); err != nil {
		t.Fatal(err)
	}
	s.fsys.hook, _ = failAt(4, syscall.ENOSPC, false) // the allocation
	if _, err := filling.Ingest(t.Context(), f); !errors.Is(err, cachenode.ErrNoSpace) {
		t.Fatalf("Ingest() on a full disk = %v", err)
	}
	s.fsys.hook = nil
	if in, err = filling.Ingest(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if _, ok := in.Verified(0); !ok {
		t.Error("the chunk that was verified is gone")
	}
	if err := in.Close(true); err != nil {
		t.Error(err)
	}
}

// A seal that fails half-way is done again by the next attempt, also where the owner of a
// read-only file may not write to it: without CAP_DAC_OVERRIDE, which root has and others have not.
func TestIngest_SealsAgainWithoutRoot(t *testing.T) {
	t.Parallel()
	dropDACOverride(t)
	s, m := openStore(t, privateDir(t), Options{}), small("m", 1)
	s.fsys.hook = func(op Op) error {
		if op.Kind == "create" && strings.HasSuffix(op.Path, sumsSuffix+partSuffix) {
			return syscall.ENOSPC
		}
		return nil
	}
	if err := fill(t.Context(), s, m); !errors.Is(err, cachenode.ErrNoSpace) {
		t.Fatalf("fill() on a full disk = %v", err)
	}
	s.fsys.hook = nil
	mustFill(t, s, m)
	if err := same(s.Path(m.Revision()), m); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(filepath.Join(s.Path(m.Revision()), "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, want 0444", info.Mode())
	}
}

// dropDACOverride takes from the test's thread what lets root write to read-only files. The thread ends with the test.
func dropDACOverride(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have [2]unix.CapUserData
	if err := unix.Capget(&header, &have[0]); err != nil {
		t.Fatal(err)
	}
	have[0].Effective &^= 1 << unix.CAP_DAC_OVERRIDE
	if err := unix.Capset(&header, &have[0]); err != nil {
		t.Fatal(err)
	}
}

// A resume after a reboot reads what it trusts: bytes that did not survive are not
// taken for verified.
func TestIngest_AfterARebootOnlyBytesThatMatchCount(t *testing.T) {
	t.Parallel()
	s := openStore(t, privateDir(t), Options{})
	m := newModel("m", map[string]tagged{"w": {1, 2*cachenode.ChunkSize + 77}})
	f := m.Files[0]
	filling, err := s.Begin(t.Context(), m.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	defer filling.End()
	in, err := filling.Ingest(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for i := range cachenode.Chunks(f.Size) {
		if err := ingestChunk(in, f, m.content["w"], i); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Close(false); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(s.path, ingestDir, string(m.Blob(f)))
	raw, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	copy(raw, header(f.Size, "another boot"))
	data, err := os.OpenFile(filepath.Join(dir, "data"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = data.WriteAt(make([]byte, 4096), cachenode.ChunkSize) // chunk 1 was never written back
	if err := errors.Join(err, data.Close(), os.WriteFile(filepath.Join(dir, "journal"), raw, 0o600)); err != nil {
		t.Fatal(err)
	}
	in, err = filling.Ingest(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close(true)
	for i, want := range []bool{true, false, true} {
		if _, ok := in.Verified(i); ok != want {
			t.Errorf("chunk %d verified is %v, want %v", i, ok, want)
		}
	}
}

// B5: the work of a start grows with the number of files, and reads none of them.
func BenchmarkOpen_TwentyThousandFiles(b *testing.B) {
	dir := fastDir(b)
	s := openStore(b, dir, Options{})
	for n := range 100 {
		files := map[string]tagged{}
		for i := range 200 {
			files[fmt.Sprintf("%03d", i)] = tagged{uint64(n*200 + i), 16}
		}
		mustFill(b, s, newModel(fmt.Sprint(n), files))
	}
	for b.Loop() {
		s = reopen(b, s)
	}
	if got := len(s.List()); got != 100 {
		b.Errorf("%d copies", got)
	}
}
