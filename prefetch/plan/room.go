// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

// grant is the room that a model takes on a node.
type grant struct {
	old   bool  // another revision than the pinned one
	bytes int64 // of it
	extra int64 // of them, those that are not taken already because it is mounted
}

// pinned is the room that the pinned revision takes.
func (p *planner) pinned(m int, c *cell) grant {
	bytes := p.models[m].Bytes
	return grant{bytes: bytes, extra: max(0, bytes-c.inUse)}
}

// grantFor is the room for what a prefetch wants: the pinned revision, or, when nothing may be fetched, the one that is there.
func (p *planner) grantFor(a *ask, c *cell) grant {
	if !a.Suspend || c.wantedPinned || c.readyPinned {
		return p.pinned(a.model, c)
	}
	h := &p.nodes[c.node].Held[c.old-1]
	g := grant{old: true, bytes: h.size()}
	if h.Mounts == 0 {
		g.extra = g.bytes
	}
	return g
}

// place puts a prefetch's model onto a node, or reports that there is no room.
func (p *planner) place(a *ask, n int32) bool {
	c := p.at(a.model, n)
	if p.expired(a, c) {
		a.expired = append(a.expired, n)
		return true
	}
	g := p.grantFor(a, c)
	if c.placed && (g.old || !c.grant.old) {
		c.merge(a)
		return true
	}
	if p.lack(c, g, n) != (shortage{node: n}) {
		return false
	}
	c = p.cell(a.model, n)
	to := &p.nodes[n]
	to.wanted += g.bytes - c.grant.bytes
	to.taken += g.extra - c.grant.extra
	c.grant = g
	if c.placed {
		c.merge(a)
		return true
	}
	to.wants++
	c.placed, c.priority, c.tier = true, a.Priority, a.Tier
	return true
}

// merge makes one want of several.
func (c *cell) merge(a *ask) {
	c.priority = max(c.priority, a.Priority)
	if a.Tier == MemoryTier || c.tier != MemoryTier && a.Tier > c.tier {
		c.tier = a.Tier
	}
}

// shortage is why a model has no place on a node.
type shortage struct {
	node  int32
	full  bool  // MaxModels are wanted there
	bytes int64 // that are lacking
}

// lack says what is lacking for a grant in place of the cell's present one. What is mounted takes room whether it is wanted or
// not, so wanting it is granted even where the mounted copies alone are more than the budget.
func (p *planner) lack(c *cell, g grant, n int32) shortage {
	to, s := &p.nodes[n], shortage{node: n}
	s.full = !c.placed && to.wants >= MaxModels
	s.bytes = max(0, to.wanted+g.bytes-c.grant.bytes-to.Budget)
	if extra := g.extra - c.grant.extra; extra > 0 {
		s.bytes = max(s.bytes, to.taken+extra-to.Budget)
	}
	return s
}
