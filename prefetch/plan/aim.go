// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// aim finds the nodes that a prefetch may choose from, and how many it asks for.
func (p *planner) aim(a *ask) {
	a.model = p.byKey[a.Model]
	all := a.Selector == nil || a.Selector.Empty()
	for i := range p.nodes {
		n := &p.nodes[i]
		if !all && !a.Selector.Matches(labels.Set(n.Labels)) {
			continue
		}
		a.matched++
		if n.Ready {
			a.near = append(a.near, int32(i))
		} else if p.at(a.model, int32(i)).wanted {
			a.away = append(a.away, int32(i))
		}
	}
	m := &p.models[a.model]
	slices.SortFunc(a.away, func(x, y int32) int {
		return cmp.Or(cmp.Compare(weight(m.hash, p.nodes[y].hash), weight(m.hash, p.nodes[x].hash)), cmp.Compare(x, y))
	})
	a.asked = len(a.near) + len(a.away)
	switch {
	case a.Count > 0:
		a.asked = int(a.Count)
	case a.Percent > 0:
		a.asked = min(a.asked, (a.matched*int(a.Percent)+99)/100)
	default:
		if m.everywhere == nil {
			m.everywhere = make([]bool, len(p.nodes))
		}
		for _, n := range a.near {
			m.everywhere[n] = true
		}
	}
}

// inAnyCase reports whether a prefetch without a count brings the model to the node.
func (m *model) inAnyCase(n int32) bool { return len(m.everywhere) > 0 && m.everywhere[n] }
