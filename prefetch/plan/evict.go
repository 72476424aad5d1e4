// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
)

// evict lists what must go from a node so that the plan fits: of the copies that nobody wants or uses, the least recently used
// first. It counts every copy in full, though revisions share the files that did not change.
func (p *planner) evict(out []Eviction, node int) []Eviction {
	n := &p.nodes[node]
	over := n.taken - n.Budget
	for i := range n.Held {
		if n.Held[i].Mounts == 0 {
			over += n.Held[i].Bytes
		}
	}
	if over <= 0 {
		return out // even with the wanted ones counted twice
	}
	var loose []*Held
	for i := range n.Held {
		h := &n.Held[i]
		switch {
		case h.Mounts > 0 || h.Bytes == 0:
		case p.wantsCopy(int32(node), h):
			over -= h.Bytes
		default:
			loose = append(loose, h)
		}
	}
	slices.SortFunc(loose, func(a, b *Held) int {
		return cmp.Or(a.LastUsed.Compare(b.LastUsed), compareKeys(a.Key, b.Key), cmp.Compare(a.Revision, b.Revision))
	})
	for _, h := range loose {
		if over <= 0 {
			break
		}
		out = append(out, Eviction{Node: n.Name, Key: h.Key, Revision: h.Revision, Bytes: h.Bytes})
		over -= h.Bytes
	}
	return out
}

// wantsCopy reports whether the round wants this very revision on the node.
func (p *planner) wantsCopy(node int32, h *Held) bool {
	m, ok := p.byKey[h.Key]
	if !ok {
		return false
	}
	c := p.at(m, node)
	return c.placed && p.revision(c) == h.Revision
}
