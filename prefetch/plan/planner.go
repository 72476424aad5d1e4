// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"time"
)

// planner holds the input, sorted, and the round at work. Nodes and models are known by their place in it.
type planner struct {
	now       time.Time
	nodes     []node
	models    []model // those that a prefetch wants and whose revision is known
	asks      []ask   // in the order in which they are served
	decisions []Decision
	index     []int32 // of the cell of (model, node) in cells, plus one; 0 is none
	cells     []cell
	none      cell // stands for a cell that is not there; never written
	byKey     map[Key]int
	bucket    []contender // scratch
}

type node struct {
	*Node
	hash      uint64
	mounted   int64 // bytes that can't be evicted
	committed int64 // mounted, and wanted when the round began
	taken     int64 // mounted, and wanted in this round
	wanted    int64 // wanted in this round
	wants     int   // how many models that is
}

type model struct {
	Model
	hash       uint64
	everywhere []bool // by node: a prefetch without a count brings it there in any case; nil if none does
}

// ask is a prefetch that is served.
type ask struct {
	*Prefetch
	decision int
	model    int
	matched  int     // nodes that match
	near     []int32 // of them, those that are ready
	away     []int32 // of them, those that are not, but have the model in their spec; best first
	asked    int
	chosen   []int32
	expired  []int32
	short    []shortage
}

func newPlanner(in Input) *planner {
	p := &planner{now: in.Now, byKey: make(map[Key]int)}
	p.takeNodes(in.Nodes)
	p.takePrefetches(in.Prefetches, in.Models)
	p.index = make([]int32, len(p.models)*len(p.nodes))
	for i := range p.nodes {
		for j := range p.nodes[i].Held {
			p.note(int32(i), int32(j))
		}
	}
	for i := range p.asks {
		p.aim(&p.asks[i])
	}
	return p
}

func (p *planner) takeNodes(in []Node) {
	p.nodes = make([]node, len(in))
	for i := range in {
		p.nodes[i] = node{Node: &in[i], hash: hash(in[i].Name)}
	}
	slices.SortFunc(p.nodes, func(a, b node) int { return cmp.Compare(a.Name, b.Name) })
}

// takePrefetches sorts them into those that are served and those that are decided already.
func (p *planner) takePrefetches(in []Prefetch, models []Model) {
	byKey := make(map[Key]*Model, len(models))
	for i := range models {
		byKey[models[i].Key] = &models[i]
	}
	sorted := make([]*Prefetch, len(in))
	for i := range in {
		sorted[i] = &in[i]
	}
	slices.SortFunc(sorted, func(a, b *Prefetch) int { return compareKeys(a.Key, b.Key) })
	p.decisions = make([]Decision, len(sorted))
	for i, f := range sorted {
		p.decisions[i].Prefetch = f.Key
		m := byKey[f.Model]
		if verdict, why := refuse(f, m); verdict != "" {
			p.decisions[i].Verdict, p.decisions[i].Message = verdict, why
			continue
		}
		p.asks = append(p.asks, ask{Prefetch: f, decision: i})
		if _, ok := p.byKey[m.Key]; !ok {
			p.byKey[m.Key] = 0
			p.models = append(p.models, model{Model: *m, hash: hash(m.Key.Namespace, m.Key.Name)})
		}
	}
	slices.SortFunc(p.models, func(a, b model) int { return compareKeys(a.Key, b.Key) })
	for i := range p.models {
		p.byKey[p.models[i].Key] = i
	}
	slices.SortStableFunc(p.asks, func(a, b ask) int { return cmp.Compare(b.Priority, a.Priority) })
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
