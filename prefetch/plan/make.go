// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

// mostRounds bounds the search for a fixed point. A second round finds nothing to change, unless several prefetches of one model
// choose from sets of nodes that overlap; more than four were never seen, and the plan of every round is sound.
const mostRounds = 8

// Make plans.
func Make(in Input) Plan {
	p := newPlanner(in)
	for range mostRounds {
		p.round()
		if p.settled() {
			break
		}
	}
	return p.plan()
}

// round serves every prefetch once, by what is wanted now.
func (p *planner) round() {
	p.reset()
	for rest := p.asks; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Priority == rest[0].Priority {
			n++
		}
		level := rest[:n]
		rest = rest[n:]
		for class := wantedNow; class <= notThere; class++ {
			for i := range level {
				p.serve(&level[i], class)
			}
		}
		for i := range level {
			p.tally(&level[i])
		}
	}
}

// reset forgets the last round and counts what room the present wants take.
func (p *planner) reset() {
	for i := range p.nodes {
		n := &p.nodes[i]
		n.taken, n.wanted, n.wants, n.committed = n.mounted, 0, 0, n.mounted
	}
	for i := range p.cells {
		c := &p.cells[i]
		c.placed, c.grant = false, grant{}
		if c.wanted {
			p.nodes[c.node].committed += p.pinned(int(c.model), c).extra
		}
	}
	for i := range p.asks {
		a := &p.asks[i]
		a.chosen, a.expired, a.short = a.chosen[:0], a.expired[:0], a.short[:0]
	}
}

// settled reports whether the round changed nothing, and takes over what it wants.
func (p *planner) settled() bool {
	same := true
	for i := range p.cells {
		c := &p.cells[i]
		if c.away {
			continue
		}
		pinned := c.placed && !c.grant.old
		if c.wanted != c.placed || c.wantedPinned != pinned {
			c.wanted, c.wantedPinned, same = c.placed, pinned, false
		}
	}
	return same
}

// plan is the outcome of the last round.
func (p *planner) plan() Plan {
	out := Plan{Nodes: make(map[string][]Want, len(p.nodes)), Decisions: p.decisions}
	for i := range p.nodes {
		n := &p.nodes[i]
		if n.Ready {
			out.Nodes[n.Name] = p.wants(i)
			out.Evictions = p.evict(out.Evictions, i)
		}
	}
	for i := range p.asks {
		p.conclude(&p.asks[i])
	}
	return out
}

// wants of a node. Models are sorted by key, so they are too.
func (p *planner) wants(node int) []Want {
	n := &p.nodes[node]
	if n.wants == 0 {
		return nil
	}
	wants := make([]Want, 0, n.wants)
	for m := range p.models {
		if c := p.at(m, int32(node)); c.placed {
			wants = append(wants, Want{
				Key: p.models[m].Key, Revision: p.revision(c),
				Priority: c.priority, Tier: c.tier,
			})
		}
	}
	return wants
}
