// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
)

// refuse decides the prefetches that want nothing in any case; the verdict is empty for the rest.
func refuse(f *Prefetch, m *Model) (Verdict, string) {
	switch {
	case m == nil:
		return ModelMissing, fmt.Sprintf("there is no Model %s", f.Model)
	case m.Revision == "":
		return ModelNotResolved, fmt.Sprintf("the revision of Model %s is not known yet", f.Model)
	case !f.Active && !f.Suspend:
		return OutsideSchedule, "outside its schedule: it wants no copies now"
	default:
		return "", ""
	}
}

// tally sorts the chosen nodes and, if they are too few, finds what the others lack. It runs when the whole level is served, so
// that what is lacking does not depend on who of that level came first.
func (p *planner) tally(a *ask) {
	slices.Sort(a.chosen)
	slices.Sort(a.expired)
	if len(a.chosen) >= a.asked || a.Suspend {
		return
	}
	for _, n := range a.near {
		if _, ok := slices.BinarySearch(a.chosen, n); !ok {
			c := p.at(a.model, n)
			a.short = append(a.short, p.lack(c, p.grantFor(a, c), n))
		}
	}
}

// conclude writes the decision.
func (p *planner) conclude(a *ask) {
	d := &p.decisions[a.decision]
	d.Candidates, d.Asked = len(a.near), a.asked
	d.Nodes, d.Expired = p.names(a.chosen), p.names(a.expired)
	for _, s := range a.short {
		d.TooSmall = append(d.TooSmall, p.nodes[s.node].Name)
	}
	switch {
	case a.Suspend:
		d.Verdict, d.Message = Suspended, "suspended: "+count(len(a.chosen)-len(a.expired), "copy stays", "copies stay")+", and no new ones are made"
	case len(a.near) == 0:
		d.Verdict, d.Message = NoNodes, p.noNodes(a)
	case len(a.chosen) >= a.asked:
		d.Verdict, d.Message = Enough, p.enough(a)
	case len(a.chosen) == 0:
		d.Verdict, d.Message = TooBig, "fits on no node that matches: "+p.reasons(a)
	default:
		d.Verdict = NotEnoughNodes
		d.Message = fmt.Sprintf("fits on %d of the %d nodes asked for: %s", len(a.chosen), a.asked, p.reasons(a))
	}
}

func (p *planner) names(nodes []int32) []string {
	if len(nodes) == 0 {
		return nil
	}
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = p.nodes[n].Name
	}
	return names
}
