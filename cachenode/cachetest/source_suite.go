// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// SourceFixture is a Source and an empty place that it reads. What is nil skips the
// tests that need it.
type SourceFixture struct {
	Source cachenode.Source
	Base   string // URI of the place, with a slash at the end: "s3://bucket/"
	Put    func(key string, content []byte)
	Remove func(key string)

	// Holds reports whether an origin of this kind can have a file of that name. Nil is
	// an object store, which takes every name.
	Holds func(key string) bool

	// Misbehave makes all answers about key go wrong after n bytes of their body: end
	// there, or stall.
	Misbehave func(key string, n int64, stall bool)

	// Deny takes the right to read away.
	Deny func()

	// Refuse answers the next n requests with a failure that passes.
	Refuse func(n int)
}

// Source proves that a Source keeps its contract. It calls fixture once for each
// subtest.
func Source(t *testing.T, fixture func(t *testing.T) SourceFixture) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, SourceFixture){
		"a prefix is a directory":                sourcePrefixIsADirectory,
		"an object on its own":                   sourceSingleObject,
		"nothing is ErrNotFound":                 sourceNothing,
		"a selection decides":                    sourceSelection,
		"hostile keys are refused":               sourceHostileKeys,
		"a revision is the bytes":                sourceRevision,
		"ranges are exact":                       sourceRanges,
		"impossible ranges are errors":           sourceImpossibleRanges,
		"a replaced object is ErrChanged":        sourceReplaced,
		"a removed object is ErrChanged":         sourceRemoved,
		"a long listing is read to its end":      sourcePaging,
		"a refusal is ErrDenied":                 sourceDenied,
		"Resolve tries again, Open does not":     sourceRetries,
		"a cut answer is ErrIncomplete":          sourceCut,
		"canceling unblocks Read":                sourceCancel,
		"a canceled context does no work at all": sourceCanceled,
	} {
		t.Run(name, func(t *testing.T) { test(t, fixture(t)) })
	}
}

func (fx SourceFixture) ref(t *testing.T, key string) cachenode.Ref {
	t.Helper()
	ref, err := cachenode.ParseRef(fx.Base + key)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (fx SourceFixture) resolve(t *testing.T, key string, sel cachenode.Selection) (cachenode.Manifest, error) {
	t.Helper()
	return fx.Source.Resolve(t.Context(), fx.ref(t, key), sel)
}

// key is how the origin names what the tests call key.
func (fx SourceFixture) key(t *testing.T, key string) string {
	t.Helper()
	base, err := cachenode.ParseRef(fx.Base)
	if err != nil {
		t.Fatal(err)
	}
	return base.Key + key
}

// put makes those of keys that the origin can have.
func (fx SourceFixture) put(content []byte, keys ...string) {
	for _, key := range keys {
		if fx.Holds == nil || fx.Holds(key) {
			fx.Put(key, content)
		}
	}
}

// one is the manifest of a new object, which is its only file.
func (fx SourceFixture) one(t *testing.T, key string, content []byte) cachenode.Manifest {
	t.Helper()
	fx.Put(key, content)
	m, err := fx.resolve(t, key, cachenode.Selection{})
	if err != nil || len(m.Files) != 1 {
		t.Fatalf("Resolve(%q) = %d files, %v; want the object", key, len(m.Files), err)
	}
	return m
}

func (fx SourceFixture) read(ctx context.Context, m cachenode.Manifest, r cachenode.Range) ([]byte, error) {
	body, err := fx.Source.Open(ctx, m.Origin, m.Files[0], r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// A7: siblings and markers are no part of a directory, nothing is flattened, and the
// slash at the end makes no difference.
func sourcePrefixIsADirectory(t *testing.T, fx SourceFixture) {
	want := map[string][]byte{"config.json": Bytes(1, 9), "a/x": Bytes(2, 5), "b/x": Bytes(3, 6), "empty": {}}
	for path, content := range want {
		fx.Put("m/llama/"+path, content)
	}
	fx.put(nil, "m/llama-hf/config.json", "m/llama.txt", "m/llama/", "m/llama/a/", "m/other", "llama/config.json")
	for _, key := range []string{"m/llama", "m/llama/"} {
		m, err := fx.resolve(t, key, cachenode.Selection{})
		if err != nil {
			t.Fatalf("Resolve(%q): %v", key, err)
		}
		if m.Origin.Prefix != fx.key(t, "m/llama/") || !slices.Equal(paths(m), slices.Sorted(maps.Keys(want))) {
			t.Errorf("Resolve(%q) = %q below %q, want %q", key, paths(m), m.Origin.Prefix, slices.Sorted(maps.Keys(want)))
		}
		for _, f := range m.Files {
			if f.Size != int64(len(want[f.Path])) || f.Source.Key != fx.key(t, "m/llama/"+f.Path) || f.Source.ETag == "" {
				t.Errorf("Resolve(%q): %s = %+v, want its key, an ETag and %d bytes", key, f.Path, f, len(want[f.Path]))
			}
		}
	}
}

func sourceSingleObject(t *testing.T, fx SourceFixture) {
	content := Bytes(1, 100)
	m := fx.one(t, "m/model.safetensors", content)
	if f := m.Files[0]; f.Path != "model.safetensors" || f.Size != 100 || f.Source.Key != fx.key(t, "m/model.safetensors") {
		t.Errorf("its file is %+v", f)
	}
	if got, err := fx.read(t.Context(), m, cachenode.Range{Len: 100}); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A7: an empty listing is an error, and so is one of markers only.
func sourceNothing(t *testing.T, fx SourceFixture) {
	fx.Put("llama-hf/config.json", Bytes(1, 1))
	fx.put(nil, "marker/")
	for _, key := range []string{"llama", "llama/", "llama-h", "llama-hf/config", "marker/", "llama-hf/config.json/"} {
		if m, err := fx.resolve(t, key, cachenode.Selection{}); cachenode.KindOf(err) != cachenode.ErrNotFound {
			t.Errorf("Resolve(%q) = %q, %v; want ErrNotFound", key, paths(m), err)
		}
	}
	if m, err := fx.resolve(t, "llama-hf/", cachenode.Selection{Exclude: []string{"*"}}); err == nil {
		t.Errorf("with everything left out: %q", paths(m))
	}
}

// J6: a pickle is refused unless it is left out or allowed.
func sourceSelection(t *testing.T, fx SourceFixture) {
	for _, path := range []string{"config.json", "a/w.safetensors", "w.bin"} {
		fx.Put("m/"+path, Bytes(1, 10))
	}
	for _, row := range []struct {
		sel  cachenode.Selection
		want string
	}{
		{cachenode.Selection{Include: []string{"*.safetensors"}}, "a/w.safetensors"},
		{cachenode.Selection{Exclude: []string{"*.bin"}}, "a/w.safetensors config.json"},
		{cachenode.Selection{AllowPickle: true}, "a/w.safetensors config.json w.bin"},
	} {
		m, err := fx.resolve(t, "m/", row.sel)
		if got := strings.Join(paths(m), " "); err != nil || got != row.want {
			t.Errorf("%+v takes %q, %v; want %q", row.sel, got, err, row.want)
		}
	}
	if m, err := fx.resolve(t, "m/", cachenode.Selection{}); cachenode.KindOf(err) != cachenode.ErrUnsafe {
		t.Errorf("with a pickle: %q, %v; want ErrUnsafe", paths(m), err)
	}
}

// J1: no key of an origin becomes a path outside of the model.
func sourceHostileKeys(t *testing.T, fx SourceFixture) {
	for dir, name := range map[string]string{
		"up": "../../etc/passwd", "dot": "./x", "double": "a//x", "back": `a\x`, "control": "a\tx",
		"long": strings.Repeat("x", 300), "dots": "\u2024\u2024/x", "reserved": ".hoist/x",
	} {
		if fx.Holds != nil && !fx.Holds(dir+"/"+name) {
			continue
		}
		fx.Put(dir+"/"+name, Bytes(1, 1))
		if m, err := fx.resolve(t, dir+"/", cachenode.Selection{}); cachenode.KindOf(err) != cachenode.ErrUnsafe {
			t.Errorf("%q: %q, %v; want ErrUnsafe", name, paths(m), err)
		}
	}
	fx.Put("clash/Config.json", nil)
	fx.Put("clash/config.json", nil)
	if m, err := fx.resolve(t, "clash/", cachenode.Selection{}); cachenode.KindOf(err) != cachenode.ErrUnsafe {
		t.Errorf("names that differ in case: %q, %v; want ErrUnsafe", paths(m), err)
	}
}

// A8: the same bytes have the same revision, other bytes another.
func sourceRevision(t *testing.T, fx SourceFixture) {
	fx.Put("m/a", Bytes(1, 10))
	fx.Put("m/b", Bytes(2, 10))
	revision := func() cachenode.Revision {
		m, err := fx.resolve(t, "m/", cachenode.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		return m.Revision()
	}
	before := revision()
	if again := revision(); again != before {
		t.Errorf("%s, then %s, of the same objects", before, again)
	}
	fx.Put("m/b", Bytes(3, 10))
	if after := revision(); after == before {
		t.Errorf("still %s after an object of the same size replaced one", after)
	}
}

// A6: exactly the bytes that were asked for, many at a time.
func sourceRanges(t *testing.T, fx SourceFixture) {
	const size = 100_003
	content := Bytes(1, size)
	m := fx.one(t, "m/x", content)
	results := make(chan error)
	spans := []cachenode.Range{{Off: 0, Len: 1}, {Off: 0, Len: size}, {Off: size - 1, Len: 1}, {Off: 4095, Len: 4098}, {Off: 1, Len: size - 1}}
	for _, r := range spans {
		go func() {
			got, err := fx.read(t.Context(), m, r)
			if err == nil && !bytes.Equal(got, content[r.Off:r.End()]) {
				err = badRange("other bytes", r, len(got))
			}
			results <- err
		}()
	}
	for range spans {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// A6: a range outside of the file is an error, not a shorter answer.
func sourceImpossibleRanges(t *testing.T, fx SourceFixture) {
	m := fx.one(t, "m/x", Bytes(1, 100))
	for _, r := range []cachenode.Range{{Off: -1, Len: 2}, {Off: 0, Len: 101}, {Off: 100, Len: 1}, {Off: 99, Len: 2}, {Off: 1, Len: 1<<63 - 1}, {Off: 10, Len: -1}} {
		if got, err := fx.read(t.Context(), m, r); err == nil {
			t.Errorf("%+v of 100 bytes: %d bytes and no error", r, len(got))
		}
	}
}

// stale wants the bytes r of what was pinned, which an origin that keeps versions still
// has, or ErrChanged.
func (fx SourceFixture) stale(t *testing.T, m cachenode.Manifest, pinned []byte, r cachenode.Range, what string) {
	t.Helper()
	got, err := fx.read(t.Context(), m, r)
	if err == nil && bytes.Equal(got, pinned[r.Off:r.End()]) || cachenode.KindOf(err) == cachenode.ErrChanged {
		return
	}
	t.Errorf("%s: %d bytes, %v; want the pinned ones or ErrChanged", what, len(got), err)
}

// A5: what is pinned is what is read, or nothing.
func sourceReplaced(t *testing.T, fx SourceFixture) {
	m := fx.one(t, "m/x", Bytes(1, 100))
	for name, content := range map[string][]byte{"same size": Bytes(2, 100), "longer": Bytes(3, 200), "shorter": Bytes(4, 50)} {
		fx.Put("m/x", content)
		fx.stale(t, m, Bytes(1, 100), cachenode.Range{Off: 10, Len: 20}, name)
	}
}

// A5: so it is when there is nothing left to read.
func sourceRemoved(t *testing.T, fx SourceFixture) {
	if fx.Remove == nil {
		t.Skip("the fixture can't remove")
	}
	m := fx.one(t, "m/x", Bytes(1, 100))
	fx.Remove("m/x")
	fx.stale(t, m, Bytes(1, 100), cachenode.Range{Len: 100}, "removed")
}

// manyFiles is more than one page of any listing.
const manyFiles = 1100

func sourcePaging(t *testing.T, fx SourceFixture) {
	if testing.Short() {
		t.Skip("makes many files")
	}
	want := make([]string, manyFiles)
	for i := range want {
		want[i] = fmt.Sprintf("%04d", i)
		fx.Put("m/"+want[i], Bytes(1, 1))
	}
	m, err := fx.resolve(t, "m/", cachenode.Selection{})
	if err != nil || !slices.Equal(paths(m), want) {
		t.Errorf("%d of %d files, %v", len(m.Files), len(want), err)
	}
}

// A refusal is not "there is nothing", and does not pass.
func sourceDenied(t *testing.T, fx SourceFixture) {
	if fx.Deny == nil {
		t.Skip("the fixture can't deny")
	}
	m := fx.one(t, "m/x", Bytes(1, 100))
	fx.Deny()
	if m, err := fx.resolve(t, "m/", cachenode.Selection{}); cachenode.KindOf(err) != cachenode.ErrDenied {
		t.Errorf("Resolve = %q, %v; want ErrDenied", paths(m), err)
	}
	if got, err := fx.read(t.Context(), m, cachenode.Range{Len: 100}); cachenode.KindOf(err) != cachenode.ErrDenied {
		t.Errorf("%d bytes, %v; want ErrDenied", len(got), err)
	}
}

func sourceRetries(t *testing.T, fx SourceFixture) {
	if fx.Refuse == nil {
		t.Skip("the fixture can't refuse")
	}
	m := fx.one(t, "m/x", Bytes(1, 100))
	fx.Refuse(2)
	if _, err := fx.resolve(t, "m/", cachenode.Selection{}); err != nil {
		t.Errorf("Resolve after two failures that pass: %v", err)
	}
	fx.Refuse(1)
	_, err := fx.read(t.Context(), m, cachenode.Range{Len: 100})
	if class := cachenode.ClassOf(err); class != cachenode.Retryable && class != cachenode.Throttled {
		t.Errorf("Open = %v, want an error that the caller may try again after", err)
	}
	if got, err := fx.read(t.Context(), m, cachenode.Range{Len: 100}); err != nil {
		t.Errorf("then %d bytes, %v", len(got), err)
	}
}

// A6: a connection that ends early does not look like the end of the file.
func sourceCut(t *testing.T, fx SourceFixture) {
	m := fx.one(t, "m/x", Bytes(1, 10_000))
	fx.misbehave(t, "m/x", 5000, false)
	got, err := fx.read(t.Context(), m, cachenode.Range{Len: 10_000})
	if len(got) > 5000 || cachenode.KindOf(err) != cachenode.ErrIncomplete {
		t.Errorf("%d bytes, %v; want ErrIncomplete after at most 5000", len(got), err)
	}
}

func sourceCancel(t *testing.T, fx SourceFixture) {
	m := fx.one(t, "m/x", Bytes(1, 10_000))
	fx.misbehave(t, "m/x", 5000, true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	body, err := fx.Source.Open(ctx, m.Origin, m.Files[0], cachenode.Range{Len: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 5000)); err != nil {
		t.Fatalf("before the stall: %v", err)
	}
	read := make(chan error)
	go func() {
		_, err := body.Read(make([]byte, 1))
		read <- err
	}()
	select {
	case err := <-read:
		t.Fatalf("in the stall Read returned %v", err)
	case <-time.After(20 * time.Millisecond): // it is most likely blocked by now
	}
	cancel()
	if err := <-read; err == nil || errors.Is(err, io.EOF) {
		t.Errorf("after the context ended Read returned %v", err)
	}
}

func sourceCanceled(t *testing.T, fx SourceFixture) {
	m := fx.one(t, "m/x", Bytes(1, 100))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := fx.read(ctx, m, cachenode.Range{Len: 100}); err == nil {
		t.Errorf("Open gave %d bytes", len(got))
	}
	if m, err := fx.Source.Resolve(ctx, fx.ref(t, "m/"), cachenode.Selection{}); err == nil {
		t.Errorf("Resolve gave %q", paths(m))
	}
}

func (fx SourceFixture) misbehave(t *testing.T, key string, n int64, stall bool) {
	t.Helper()
	if fx.Misbehave == nil {
		t.Skip("the fixture can't misbehave")
	}
	fx.Misbehave(key, n, stall)
}

func paths(m cachenode.Manifest) []string {
	var names []string
	for _, f := range m.Files {
		names = append(names, f.Path)
	}
	return names
}
