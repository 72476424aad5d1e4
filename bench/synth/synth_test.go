// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package synth_test

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/formats"
)

func contents(t *testing.T, o synth.Options) map[string][]byte {
	t.Helper()
	files, err := synth.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		var b bytes.Buffer
		if n, err := f.WriteTo(&b); err != nil || n != f.Size || int64(b.Len()) != f.Size {
			t.Fatalf("%s: %d bytes of %d, %v", f.Path, b.Len(), f.Size, err)
		}
		out[f.Path] = b.Bytes()
	}
	return out
}

func TestPlan_MakesValidModelsOfAboutTheSizeAskedFor(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{16 << 20, 40 << 20} {
		var weights int64
		for name, content := range contents(t, synth.Options{Size: size, Shard: size / 4}) {
			f := cachenode.File{Path: name, Size: int64(len(content))}
			head := formats.Inspector{}.Head(f, content[:min(len(content), 4<<20)])
			if whole := (formats.Inspector{}).Whole(f, bytes.NewReader(content)); head != nil || whole != nil {
				t.Errorf("%s: %v, %v", name, head, whole)
			}
			if name != "tokenizer.json" {
				weights += f.Size
			}
		}
		if weights < size*9/10 || weights > size*11/10 {
			t.Errorf("%d bytes, asked for %d", weights, size)
		}
	}
}

func TestPlan_IsRepeatableAndRevisionsDifferWhereTheySay(t *testing.T) {
	t.Parallel()
	o := synth.Options{Size: 4 << 20, Shard: 1 << 20, Seed: 3}
	one, again := contents(t, o), contents(t, o)
	o.Revision = 1
	two := contents(t, o)
	var changed []string
	for name := range one {
		if !bytes.Equal(one[name], again[name]) {
			t.Errorf("%s is not the same twice", name)
		}
		if !bytes.Equal(one[name], two[name]) {
			changed = append(changed, name)
		}
	}
	if !slices.Equal(changed, synth.Changed(o)) {
		t.Errorf("changed are %v, said were %v", changed, synth.Changed(o))
	}
}

// Revision K is K shards away from revision 0, and lists its files in one order.
func TestPlan_EachRevisionIsOneMoreShardAway(t *testing.T) {
	t.Parallel()
	o := synth.Options{Size: 4 << 20, Shard: 1 << 20, Seed: 3}
	first := contents(t, o)
	for o.Revision = range 5 {
		var changed int
		for name, content := range contents(t, o) {
			if !bytes.Equal(content, first[name]) {
				changed++
			}
		}
		if changed != o.Revision {
			t.Errorf("revision %d differs in %d files", o.Revision, changed)
		}
		files, err := synth.Plan(o)
		if err != nil || !slices.IsSortedFunc(files, func(a, b synth.File) int { return cmp.Compare(a.Path, b.Path) }) {
			t.Errorf("the files of revision %d are not in order: %v", o.Revision, err)
		}
	}
}

func TestGenerate_WritesWhatPlanLists(t *testing.T) {
	t.Parallel()
	o, dir := synth.Options{Size: 2 << 20, Shard: 1 << 20, Seed: 9}, filepath.Join(t.TempDir(), "new")
	if _, err := synth.Generate(dir, o); err != nil {
		t.Fatal(err)
	}
	want := contents(t, o)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(want) {
		t.Errorf("%d files, want %d: %v", len(entries), len(want), err)
	}
	for name, content := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s has other bytes: %v", name, err)
		}
	}
}

func BenchmarkWriteTo(b *testing.B) {
	files, err := synth.Plan(synth.Options{Size: 256 << 20, Shard: 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	shard := files[slices.IndexFunc(files, func(f synth.File) bool { return filepath.Ext(f.Path) == ".safetensors" })]
	b.SetBytes(shard.Size)
	for b.Loop() {
		if _, err := shard.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
