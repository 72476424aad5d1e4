// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest_test

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemSource_FaultsHappenAsOftenAsTheyWereInjected(t *testing.T) {
	t.Parallel()
	content := cachetest.Bytes(1, 1000)
	src := cachetest.NewSource(map[string][]byte{"m/x": content})
	m, err := src.Resolve(t.Context(), cachenode.Ref{Scheme: "s3", Bucket: cachetest.Bucket, Key: "m/"}, cachenode.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	read := func(r cachenode.Range) ([]byte, error) {
		body, err := src.Open(t.Context(), m.Origin, m.Files[0], r)
		if err != nil {
			return nil, err
		}
		defer body.Close()
		return io.ReadAll(body)
	}
	src.Inject("m/x", 2, cachetest.Fail(cachenode.ErrThrottled))
	src.Inject("m/x", 1, cachetest.Flip(600))
	all := cachenode.Range{Len: 1000}
	for range 2 {
		if _, err := read(all); !errors.Is(err, cachenode.ErrThrottled) {
			t.Errorf("%v, want ErrThrottled", err)
		}
	}
	if got, err := read(cachenode.Range{Len: 600}); err != nil || !bytes.Equal(got, content[:600]) {
		t.Errorf("a range beside the flipped byte: %v", err)
	}
	got, err := read(cachenode.Range{Off: 500, Len: 500})
	want := bytes.Clone(content[500:])
	want[100] ^= 1
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("a range with the flipped byte: %v", err)
	}
	if got, err := read(all); err != nil || !bytes.Equal(got, content) {
		t.Errorf("after all faults: %v", err)
	}
	if served, opened := src.Served("m/x"), src.Opened("m/x"); served != 600+500+1000 || opened != 5 {
		t.Errorf("%d bytes served to %d requests, want 2100 and 5", served, opened)
	}
	src.Remove("m/x")
	if _, err := read(all); cachenode.KindOf(err) != cachenode.ErrChanged {
		t.Errorf("after Remove: %v, want ErrChanged", err)
	}
}

// D3: what is being filled stays, what is oldest goes.
func TestMemStore_EvictsTheOldestThatNobodyFills(t *testing.T) {
	t.Parallel()
	s := cachetest.NewStore(250)
	models := make([]cachetest.Model, 4)
	for i := range models {
		models[i] = cachetest.NewModel(t, map[string][]byte{"x": cachetest.Bytes(uint64(i), 100)})
	}
	bring := func(m cachetest.Model) cachenode.Filling {
		f, err := s.Begin(t.Context(), m.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		in, err := f.Ingest(t.Context(), m.Files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(in.Write(m.Content["x"], 0, cachenode.Cached), in.MarkVerified(0, checksum32c(m.Content["x"])), in.Seal(t.Context()), in.Close(false), f.Publish(t.Context())); err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := bring(models[0])
	bring(models[1]).End()
	bring(models[2]).End()
	if want := []cachenode.Revision{models[0].Revision(), models[2].Revision()}; !slices.Equal(s.Revisions(), want) {
		t.Errorf("with the oldest being filled: %v, want %v", s.Revisions(), want)
	}
	first.End()
	bring(models[3]).End()
	if want := []cachenode.Revision{models[2].Revision(), models[3].Revision()}; !slices.Equal(s.Revisions(), want) {
		t.Errorf("with nothing being filled: %v, want %v", s.Revisions(), want)
	}
	if s.Used() != 200 {
		t.Errorf("%d bytes are taken, want 200", s.Used())
	}
}

func TestMemStore_RefusesAClaimThatIsNotTrue(t *testing.T) {
	t.Parallel()
	s, m := cachetest.NewStore(1000), cachetest.NewModel(t, map[string][]byte{"x": cachetest.Bytes(1, 100)})
	f, err := s.Begin(t.Context(), m.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.End()
	in, err := f.Ingest(t.Context(), m.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := in.MarkVerified(0, checksum32c(m.Content["x"])); cachenode.KindOf(err) != cachenode.ErrCorrupt {
		t.Errorf("MarkVerified of bytes that were not written: %v, want ErrCorrupt", err)
	}
}

func checksum32c(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }
