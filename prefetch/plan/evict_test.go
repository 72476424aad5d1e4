// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

func TestMake_EvictsWhatNobodyWantsUntilThePlanFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, limits{})
		p := plan.Make(in)
		for _, n := range in.Nodes {
			evicted := ofNode(p.Evictions, n.Name)
			if !n.Ready {
				if len(evicted) > 0 {
					t.Fatalf("%s is not ready: %v", n.Name, evicted)
				}
				continue
			}
			wants := p.Nodes[n.Name]
			var full, mounted int64
			for _, w := range wants {
				full += size(in, n, w)
			}
			var stay, goes []plan.Held
			for _, h := range n.Held {
				e := plan.Eviction{Node: n.Name, Key: h.Key, Revision: h.Revision, Bytes: h.Bytes}
				switch whole := max(h.Bytes, h.Total); {
				case slices.Contains(evicted, e):
					goes = append(goes, h)
				case h.Mounts > 0 && wantsCopy(wants, h):
					mounted += whole
				case h.Mounts > 0:
					mounted += whole
					full += whole
				case !wantsCopy(wants, h):
					full += h.Bytes
					stay = append(stay, h)
				}
			}
			if len(goes) != len(evicted) || full > max(n.Budget, mounted) {
				t.Fatalf("%s: %d of %d after %v", n.Name, full, n.Budget, evicted)
			}
			if k := len(evicted); k > 0 && full+evicted[k-1].Bytes <= n.Budget {
				t.Fatalf("%s: the last of %v could have stayed: %d of %d", n.Name, evicted, full, n.Budget)
			}
			for _, g := range goes {
				if g.Bytes == 0 || g.Mounts > 0 || wantsCopy(wants, g) {
					t.Fatalf("%s: %v goes", n.Name, g)
				}
				for _, s := range stay {
					if s.Bytes > 0 && s.LastUsed.Before(g.LastUsed) {
						t.Fatalf("%s: %v goes before %v", n.Name, g, s)
					}
				}
			}
		}
	})
}

func ofNode(all []plan.Eviction, name string) []plan.Eviction {
	return slices.DeleteFunc(slices.Clone(all), func(e plan.Eviction) bool { return e.Node != name })
}
