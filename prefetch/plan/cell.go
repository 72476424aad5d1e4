// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import "time"

// cell is one model on one node: what is there when the round begins, and what the round wants there.
type cell struct {
	model, node int32

	wanted       bool  // some revision is in the node's spec
	wantedPinned bool  // the pinned one is
	ready        bool  // some revision is there
	readyPinned  bool  // the pinned one is
	mounted      bool  // some revision is in use
	away         bool  // the node is not ready
	inUse        int64 // bytes of the pinned revision, if it is mounted: they are taken in any case
	used         time.Time
	old          int32 // of Node.Held plus one: the other revision to keep while nothing may be fetched; 0 is none

	placed   bool
	grant    grant
	priority int
	tier     string
}

// at is the cell of a model on a node, or one that is empty and must not be written.
func (p *planner) at(m int, n int32) *cell {
	if i := p.index[m*len(p.nodes)+int(n)]; i > 0 {
		return &p.cells[i-1]
	}
	return &p.none
}

// cell is the same, made if need be. It holds until the next one is made.
func (p *planner) cell(m int, n int32) *cell {
	i := &p.index[m*len(p.nodes)+int(n)]
	if *i == 0 {
		p.cells = append(p.cells, cell{model: int32(m), node: n, away: !p.nodes[n].Ready})
		*i = int32(len(p.cells))
	}
	return &p.cells[*i-1]
}

// note takes in what is on a node.
func (p *planner) note(n, i int32) {
	h := &p.nodes[n].Held[i]
	if h.Mounts > 0 {
		p.nodes[n].mounted += h.size()
	}
	m, ok := p.byKey[h.Key]
	if !ok {
		return
	}
	c := p.cell(m, n)
	c.take(h)
	if h.Revision == p.models[m].Revision {
		c.takePinned(h)
	} else if (h.Wanted || h.Ready) && (c.old == 0 || h.before(&p.nodes[n].Held[c.old-1])) {
		c.old = i + 1
	}
}

// take counts a revision, whichever it is.
func (c *cell) take(h *Held) {
	c.wanted = c.wanted || h.Wanted
	c.ready = c.ready || h.Ready
	c.mounted = c.mounted || h.Mounts > 0
	if h.LastUsed.After(c.used) {
		c.used = h.LastUsed
	}
}

func (c *cell) takePinned(h *Held) {
	c.wantedPinned = c.wantedPinned || h.Wanted
	c.readyPinned = c.readyPinned || h.Ready
	if h.Mounts > 0 {
		c.inUse += h.size()
	}
}

// size is what it takes when it is whole.
func (h *Held) size() int64 { return max(h.Bytes, h.Total) }

// before orders the revisions that are not pinned: the one to keep first.
func (h *Held) before(o *Held) bool {
	if h.Ready != o.Ready {
		return h.Ready
	}
	if !h.LastUsed.Equal(o.LastUsed) {
		return h.LastUsed.After(o.LastUsed)
	}
	return h.Revision > o.Revision
}

// expired reports whether a prefetch lets the model go, because no pod used it, in any revision, for the TTL.
func (p *planner) expired(a *ask, c *cell) bool {
	return a.TTL > 0 && !c.mounted && !c.used.IsZero() && p.now.Sub(c.used) >= a.TTL
}

// revision that is wanted.
func (p *planner) revision(c *cell) string {
	if c.grant.old {
		return p.nodes[c.node].Held[c.old-1].Revision
	}
	return p.models[c.model].Revision
}
