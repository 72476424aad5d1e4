// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
)

// class says how far a model is from a node. On one level of priority, lower classes are served first.
type class uint8

const (
	wantedNow class = iota // in the node's spec: nobody of the same priority takes its room
	leftOver               // there, or dropped by a TTL, though not in the spec
	notThere
)

// contender is a node that a prefetch may choose.
type contender struct {
	weight uint64
	node   int32
	rank   uint8 // higher goes first, then the heavier
}

// serve chooses nodes of one class, until there are as many as asked for.
func (p *planner) serve(a *ask, of class) {
	left := a.asked - len(a.chosen)
	if left <= 0 || a.Suspend && of == notThere {
		return
	}
	bucket := p.contenders(a, of)
	if len(bucket) > left {
		slices.SortFunc(bucket, func(x, y contender) int {
			return cmp.Or(cmp.Compare(y.rank, x.rank), cmp.Compare(y.weight, x.weight), cmp.Compare(x.node, y.node))
		})
	}
	for _, c := range bucket {
		if left > 0 && p.place(a, c.node) {
			a.chosen = append(a.chosen, c.node)
			left--
		}
	}
	if of == wantedNow {
		a.chosen = append(a.chosen, a.away[:min(left, len(a.away))]...)
	}
}

// contenders are the ready nodes of one class.
func (p *planner) contenders(a *ask, of class) []contender {
	bucket, m := p.bucket[:0], &p.models[a.model]
	for _, n := range a.near {
		c := p.at(a.model, n)
		if p.classOf(a, c) == of {
			bucket = append(bucket, contender{weight: weight(m.hash, p.nodes[n].hash), node: n, rank: p.rank(m, c, n)})
		}
	}
	p.bucket = bucket
	return bucket
}

func (p *planner) classOf(a *ask, c *cell) class {
	switch {
	case c.wanted:
		return wantedNow
	case c.ready || p.expired(a, c):
		return leftOver
	default:
		return notThere
	}
}

// rank of a node within its class.
func (p *planner) rank(m *model, c *cell, n int32) uint8 {
	if !c.wanted && !c.ready {
		// Where it fits beside what is wanted now, it drives nobody out.
		return bit(3, p.pinned(int(c.model), c).extra <= p.nodes[n].Budget-p.nodes[n].committed)
	}
	// A copy that another prefetch brings to the node in any case comes last: when such a node joins, the others stay where
	// they are.
	return bit(3, !m.inAnyCase(n)) | bit(2, c.mounted) | bit(1, c.readyPinned) | bit(0, c.ready)
}

func bit(n int, set bool) uint8 {
	if set {
		return 1 << n
	}
	return 0
}
