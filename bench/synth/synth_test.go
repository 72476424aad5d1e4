// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package synth_test

import (
	"bytes"
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
