// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

// large is a cluster of 1,000 nodes with 200 models and as many prefetches: half of every node of a pool, a quarter by count,
// a quarter by percentage. Not all that is asked for fits.
func large() plan.Input {
	in := plan.Input{Now: now}
	for i := range 1000 {
		in.Nodes = append(in.Nodes, plan.Node{
			Name: fmt.Sprintf("ip-10-0-%d-%d.eu-central-1.compute.internal", i/256, i%256), Ready: i%100 != 0, Budget: 3 << 40,
			Labels: map[string]string{"pool": fmt.Sprintf("p%d", i%10), "kubernetes.io/arch": "amd64", "gpu": "h200", "zone": fmt.Sprintf("z%d", i%3)},
		})
	}
	for i := range 200 {
		m := plan.Model{Key: key(fmt.Sprintf("model-%d", i)), Revision: fmt.Sprintf("sha256:%064d", i), Bytes: int64(10+i) << 30}
		f := plan.Prefetch{Key: m.Key, Model: m.Key, Active: true, Priority: i % 2, Tier: "Disk", TTL: time.Duration(i%3) * time.Hour}
		switch i % 4 {
		case 0:
			f.Count = int32(i + 1)
		case 1:
			f.Percent = int32(i/4 + 1)
		default:
			f.Selector = selector(fmt.Sprintf("pool in (p%d,p%d),gpu=h200", i%10, i%7))
		}
		if f.Selector == nil && i%8 < 4 {
			f.Selector = labels.Everything()
		}
		in.Models, in.Prefetches = append(in.Models, m), append(in.Prefetches, f)
	}
	return in
}

func BenchmarkMake_1000Nodes200Models(b *testing.B) {
	empty := large()
	full := follow(empty, plan.Make(empty), true)
	b.Run("empty", func(b *testing.B) { bench(b, empty) })
	b.Run("steady", func(b *testing.B) { bench(b, full) })
	everywhere := full
	everywhere.Nodes = slices.Clone(full.Nodes)
	for i := range everywhere.Nodes {
		everywhere.Nodes[i].Budget = 1 << 50
	}
	everywhere.Prefetches = slices.Clone(full.Prefetches)
	for i := range everywhere.Prefetches {
		f := &everywhere.Prefetches[i]
		f.Selector, f.Count, f.Percent = nil, 0, 0
	}
	b.Run("everything-everywhere", func(b *testing.B) { bench(b, everywhere) })
}

func bench(b *testing.B, in plan.Input) {
	b.Helper()
	b.ReportAllocs()
	wants := 0
	for b.Loop() {
		wants = 0
		for _, w := range plan.Make(in).Nodes {
			wants += len(w)
		}
	}
	b.ReportMetric(float64(wants), "wants")
}
