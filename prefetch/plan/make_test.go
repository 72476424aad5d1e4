// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

func TestMake_OrderOfTheInputDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, limits{})
		other := plan.Input{
			Now:        in.Now,
			Models:     rapid.Permutation(in.Models).Draw(t, "models"),
			Nodes:      rapid.Permutation(in.Nodes).Draw(t, "nodes"),
			Prefetches: rapid.Permutation(in.Prefetches).Draw(t, "prefetches"),
		}
		for i := range other.Nodes {
			other.Nodes[i].Held = rapid.Permutation(other.Nodes[i].Held).Draw(t, "held")
		}
		if diff := cmp.Diff(plan.Make(in), plan.Make(other)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestMake_ReadsOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, limits{})
		models, nodes := slices.Clone(in.Models), slices.Clone(in.Nodes)
		for i := range nodes {
			nodes[i].Held = slices.Clone(nodes[i].Held)
		}
		plan.Make(in)
		if diff := cmp.Diff(nodes, in.Nodes) + cmp.Diff(models, in.Models); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestMake_NeverWantsMoreThanTheBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, limits{})
		p := plan.Make(in)
		for _, n := range in.Nodes {
			wants, ok := p.Nodes[n.Name]
			if ok != n.Ready {
				t.Fatalf("%s is ready: %v, in the plan: %v", n.Name, n.Ready, ok)
			}
			var wanted, mounted, idle int64
			for _, w := range wants {
				wanted += size(in, n, w)
			}
			for _, h := range n.Held {
				if h.Mounts > 0 {
					mounted += max(h.Bytes, h.Total)
					if !wantsCopy(wants, h) {
						idle += max(h.Bytes, h.Total)
					}
				}
			}
			if wanted > n.Budget || wanted+idle > max(n.Budget, mounted) {
				t.Fatalf("%s has %d: wanted %d, mounted %d, of them unwanted %d", n.Name, n.Budget, wanted, mounted, idle)
			}
		}
	})
}

func wantsCopy(wants []plan.Want, h plan.Held) bool {
	return slices.ContainsFunc(wants, func(w plan.Want) bool { return w.Key == h.Key && w.Revision == h.Revision })
}

// Every want is some prefetch's, with what all of them want of it together, and every choice is wanted.
func TestMake_WantsAreWhatThePrefetchesChose(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, limits{})
		p := plan.Make(in)
		want := make(map[string]map[plan.Key]plan.Want)
		for _, d := range p.Decisions {
			f := in.Prefetches[slices.IndexFunc(in.Prefetches, func(f plan.Prefetch) bool { return f.Key == d.Prefetch })]
			for _, name := range d.Nodes {
				n := node(in, name)
				if !matches(f, n) {
					t.Fatalf("%v chose %s", f, name)
				}
				if !n.Ready || slices.Contains(d.Expired, name) {
					continue
				}
				if want[name] == nil {
					want[name] = make(map[plan.Key]plan.Want)
				}
				w, there := want[name][f.Model]
				if !there {
					w = plan.Want{Priority: f.Priority, Tier: f.Tier}
				}
				w.Key, w.Priority, w.Tier = f.Model, max(w.Priority, f.Priority), max(w.Tier, f.Tier)
				want[name][f.Model] = w
			}
		}
		for name, wants := range p.Nodes {
			if !slices.IsSortedFunc(wants, func(a, b plan.Want) int { return strings.Compare(a.Key.Name, b.Key.Name) }) {
				t.Fatalf("%s: not sorted: %v", name, wants)
			}
			got := make(map[plan.Key]plan.Want)
			for _, w := range wants {
				w.Revision = ""
				got[w.Key] = w
			}
			if len(got) != len(wants) || len(got)+len(want[name]) > 0 && !cmp.Equal(want[name], got) {
				t.Fatalf("%s: %s", name, cmp.Diff(want[name], got))
			}
		}
	})
}

func TestMake_ChoosesAsManyAsAskedForWhereThereIsRoom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, limits{roomy: true, steady: true})
		for i, d := range plan.Make(in).Decisions {
			f, matched := in.Prefetches[i], 0
			for _, n := range in.Nodes {
				if matches(f, n) {
					matched++
				}
			}
			asked := matched
			switch {
			case f.Count > 0:
				asked = int(f.Count)
			case f.Percent > 0:
				for asked = 0; asked*100 < matched*int(f.Percent); {
					asked++
				}
			}
			if d.Prefetch != f.Key || d.Candidates != matched || d.Asked != asked || len(d.Nodes) != min(asked, matched) {
				t.Fatalf("%d matched, %d asked for: %+v", matched, asked, d)
			}
			if !slices.IsSorted(d.Nodes) || len(slices.Compact(slices.Clone(d.Nodes))) != len(d.Nodes) {
				t.Fatal(d.Nodes)
			}
		}
	})
}

// Whoever is short on a node finds there only what is mounted or at least as urgent.
func TestMake_NoRoomGoesToALowerPriority(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, limits{})
		p := plan.Make(in)
		for i, d := range p.Decisions {
			f := in.Prefetches[i]
			for _, name := range d.TooSmall {
				n, m := node(in, name), model(in, f.Model)
				taken := m.Bytes
				var urgent []plan.Want
				for _, w := range p.Nodes[name] {
					if w.Priority >= f.Priority && w.Key != f.Model {
						urgent = append(urgent, w)
						taken += size(in, n, w)
					}
				}
				alone := taken
				for _, h := range n.Held {
					if h.Mounts > 0 && !wantsCopy(urgent, h) && (h.Key != f.Model || h.Revision != m.Revision) {
						taken += h.Bytes
					}
				}
				if taken <= n.Budget && alone <= n.Budget {
					t.Fatalf("%s would take %d of %d on %s: %v", f.Key, taken, n.Budget, name, p.Nodes[name])
				}
			}
		}
	})
}
