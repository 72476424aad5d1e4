// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func key(name string) plan.Key { return plan.Key{Namespace: "ml", Name: name} }

func selector(s string) labels.Selector {
	parsed, err := labels.Parse(s)
	if err != nil {
		panic(err)
	}
	return parsed
}

// limits of what is drawn.
type limits struct {
	roomy    bool // every node has room for every model
	steady   bool // every node is ready, nothing is suspended, scheduled or let go
	separate bool // every prefetch has a model of its own
	flat     bool // one priority
	empty    bool // nothing is held
	counts   bool // no percentages
}

func drawInput(t *rapid.T, l limits) plan.Input {
	in := plan.Input{Now: now}
	for i := range rapid.IntRange(0, 8).Draw(t, "prefetches") {
		in.Prefetches = append(in.Prefetches, drawPrefetch(t, i, l))
	}
	for i := range 8 {
		m := plan.Model{Key: key(fmt.Sprintf("m%d", i)), Revision: "new", Bytes: rapid.Int64Range(0, 60).Draw(t, "bytes")}
		if !l.steady && rapid.IntRange(0, 9).Draw(t, "unresolved") == 0 {
			m.Revision = ""
		}
		in.Models = append(in.Models, m)
	}
	for i := range rapid.IntRange(0, 8).Draw(t, "nodes") {
		in.Nodes = append(in.Nodes, drawNode(t, fmt.Sprintf("n%d", i), in.Models, l))
	}
	return in
}

func drawPrefetch(t *rapid.T, i int, l limits) plan.Prefetch {
	f := plan.Prefetch{
		Key: key(fmt.Sprintf("p%d", i)), Active: true,
		Model:    key(fmt.Sprintf("m%d", rapid.IntRange(0, 3).Draw(t, "model"))),
		Priority: rapid.IntRange(0, 2).Draw(t, "priority"),
		Tier:     rapid.SampledFrom([]string{"Disk", "Memory"}).Draw(t, "tier"),
	}
	if s := rapid.SampledFrom([]string{"-", "", "pool=a", "pool=b", "pool!=a", "pool=c"}).Draw(t, "selector"); s != "-" {
		f.Selector = selector(s)
	}
	switch rapid.IntRange(0, 2).Draw(t, "how many") {
	case 0:
		f.Count = rapid.Int32Range(1, 5).Draw(t, "count")
	case 1:
		if !l.counts {
			f.Percent = rapid.Int32Range(1, 100).Draw(t, "percent")
		}
	}
	if l.separate {
		f.Model = key(fmt.Sprintf("m%d", i))
	}
	if l.flat {
		f.Priority = 0
	}
	if !l.steady {
		f.Suspend = rapid.IntRange(0, 5).Draw(t, "suspend") == 0
		f.Active = !f.Suspend && rapid.IntRange(0, 9).Draw(t, "outside") > 0
		f.TTL = time.Duration(rapid.IntRange(0, 2).Draw(t, "ttl")) * time.Hour
	}
	return f
}

func drawNode(t *rapid.T, name string, models []plan.Model, l limits) plan.Node {
	n := plan.Node{Name: name, Ready: true, Budget: rapid.Int64Range(0, 150).Draw(t, "budget")}
	if pool := rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "pool"); pool != "" {
		n.Labels = map[string]string{"pool": pool}
	}
	if l.roomy {
		n.Budget = 1 << 40
	}
	if !l.steady {
		n.Ready = rapid.IntRange(0, 4).Draw(t, "not ready") > 0
	}
	if l.empty {
		return n
	}
	for _, m := range models {
		for _, revision := range []string{"new", "old", "older"} {
			if rapid.IntRange(0, 3).Draw(t, "held") == 0 {
				n.Held = append(n.Held, drawHeld(t, m, revision))
			}
		}
	}
	return n
}

func drawHeld(t *rapid.T, m plan.Model, revision string) plan.Held {
	h := plan.Held{Key: m.Key, Revision: revision, Total: m.Bytes, Wanted: rapid.Bool().Draw(t, "wanted")}
	if revision != "new" {
		h.Total = rapid.Int64Range(0, 60).Draw(t, "total")
	}
	switch rapid.IntRange(0, 2).Draw(t, "state") {
	case 0:
		h.Ready, h.Bytes = true, h.Total
		h.Mounts = max(0, rapid.IntRange(-3, 2).Draw(t, "mounts"))
	case 1:
		h.Bytes = h.Total / 2
	}
	if rapid.Bool().Draw(t, "was used") {
		h.LastUsed = now.Add(-time.Duration(rapid.IntRange(0, 180).Draw(t, "minutes ago")) * time.Minute)
	}
	return h
}

// follow is the cluster when its agents know the plan; if they finished, every wanted copy is there, and the evicted ones are gone.
func follow(in plan.Input, p plan.Plan, finished bool) plan.Input {
	in.Nodes = slices.Clone(in.Nodes)
	for i := range in.Nodes {
		n := &in.Nodes[i]
		if !n.Ready {
			continue
		}
		var held []plan.Held
		wants := p.Nodes[n.Name]
		find := func(k plan.Key, revision string) bool {
			return slices.ContainsFunc(wants, func(w plan.Want) bool { return w.Key == k && w.Revision == revision })
		}
		for _, h := range n.Held {
			h.Wanted = find(h.Key, h.Revision)
			gone := slices.Contains(p.Evictions, plan.Eviction{Node: n.Name, Key: h.Key, Revision: h.Revision, Bytes: h.Bytes})
			if !finished || !gone {
				held = append(held, h)
			}
		}
		for _, w := range wants {
			if !slices.ContainsFunc(held, func(h plan.Held) bool { return h.Key == w.Key && h.Revision == w.Revision }) {
				held = append(held, plan.Held{Key: w.Key, Revision: w.Revision, Wanted: true, Total: model(in, w.Key).Bytes})
			}
		}
		for j := range held {
			if h := &held[j]; h.Wanted && finished {
				h.Ready, h.Bytes = true, h.Total
			}
		}
		n.Held = held
	}
	return in
}

func model(in plan.Input, k plan.Key) plan.Model {
	return in.Models[slices.IndexFunc(in.Models, func(m plan.Model) bool { return m.Key == k })]
}

func node(in plan.Input, name string) plan.Node {
	return in.Nodes[slices.IndexFunc(in.Nodes, func(n plan.Node) bool { return n.Name == name })]
}

func matches(f plan.Prefetch, n plan.Node) bool {
	return f.Selector == nil || f.Selector.Matches(labels.Set(n.Labels))
}

// size of what is wanted: the model, or the other revision that is kept.
func size(in plan.Input, n plan.Node, w plan.Want) int64 {
	if m := model(in, w.Key); m.Revision == w.Revision {
		return m.Bytes
	}
	for _, h := range n.Held {
		if h.Key == w.Key && h.Revision == w.Revision {
			return max(h.Bytes, h.Total)
		}
	}
	panic("wants a revision that is neither pinned nor there")
}
