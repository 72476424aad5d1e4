// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

// at plans, and says which models of 60 bytes the nodes get.
func at(prefetches []plan.Prefetch, nodes ...plan.Node) map[string][]string {
	in := plan.Input{Now: now, Nodes: nodes, Prefetches: prefetches}
	for _, name := range []string{"a", "b", "c"} {
		in.Models = append(in.Models, plan.Model{Key: key(name), Revision: "new", Bytes: 60})
	}
	got := make(map[string][]string)
	for name, wants := range plan.Make(in).Nodes {
		for _, w := range wants {
			got[name] = append(got[name], w.Key.Name+"@"+w.Revision)
		}
	}
	return got
}

// of makes a prefetch for a model; its name is the model's.
func of(model string, change ...func(*plan.Prefetch)) plan.Prefetch {
	f := plan.Prefetch{Key: key(model), Model: key(model), Active: true}
	for _, c := range change {
		c(&f)
	}
	return f
}

func one(f *plan.Prefetch)       { f.Count = 1 }
func urgent(f *plan.Prefetch)    { f.Priority = 1 }
func suspended(f *plan.Prefetch) { f.Suspend, f.Active = true, false }
func hourly(f *plan.Prefetch)    { f.TTL = time.Hour }

func holding(name string, budget int64, held ...plan.Held) plan.Node {
	return plan.Node{Name: name, Ready: true, Budget: budget, Held: held}
}

// held is a whole copy of 60 bytes.
func held(model, revision string, change ...func(*plan.Held)) plan.Held {
	h := plan.Held{Key: key(model), Revision: revision, Bytes: 60, Total: 60, Ready: true}
	for _, c := range change {
		c(&h)
	}
	return h
}

func wanted(h *plan.Held)  { h.Wanted = true }
func mounted(h *plan.Held) { h.Mounts = 1 }
func coming(h *plan.Held)  { h.Ready, h.Bytes = false, 10 }
func gone(h *plan.Held)    { h.Ready, h.Bytes = false, 0 }
func usedAgo(d time.Duration) func(*plan.Held) {
	return func(h *plan.Held) { h.LastUsed = now.Add(-d) }
}

// The first choice for model a is n2, by its hash: TestMake_PlacesAreGolden.
func TestMake_Chooses(t *testing.T) {
	t.Parallel()
	dead := holding("n1", 100, held("a", "new", wanted))
	dead.Ready = false
	deadLeftOver := holding("n1", 100, held("a", "new"))
	deadLeftOver.Ready = false
	type nodes = []plan.Node
	type prefetches = []plan.Prefetch
	for name, tc := range map[string]struct {
		prefetches prefetches
		nodes      nodes
		want       map[string][]string
	}{
		"a node that has it":               {prefetches{of("a", one)}, nodes{holding("n2", 100), holding("n1", 100, held("a", "new")), holding("n3", 100)}, map[string][]string{"n1": {"a@new"}}},
		"a node that has another revision": {prefetches{of("a", one)}, nodes{holding("n2", 100), holding("n1", 100, held("a", "old")), holding("n3", 100)}, map[string][]string{"n1": {"a@new"}}},
		"a node that fetches it":           {prefetches{of("a", one)}, nodes{holding("n2", 100), holding("n1", 100, held("a", "new", coming, wanted)), holding("n3", 100)}, map[string][]string{"n1": {"a@new"}}},
		"another than one that began and gave up": {
			prefetches{of("a", one)},
			nodes{holding("n1", 100, held("a", "new")), holding("n2", 100, held("a", "new", coming)), holding("n3", 100, held("a", "new", coming))},
			map[string][]string{"n1": {"a@new"}},
		},
		"of those that have it, one that is whole":    {prefetches{of("a", one)}, nodes{holding("n2", 100, held("a", "new", wanted, coming)), holding("n1", 100, held("a", "new", wanted)), holding("n3", 100, held("a", "new", wanted, coming))}, map[string][]string{"n1": {"a@new"}}},
		"of those that are whole, one that is in use": {prefetches{of("a", one)}, nodes{holding("n2", 100, held("a", "new", wanted)), holding("n1", 100, held("a", "new", wanted, mounted)), holding("n3", 100, held("a", "new", wanted))}, map[string][]string{"n1": {"a@new"}}},
		"room that nobody wants":                      {prefetches{of("a", one, urgent), of("b")}, nodes{holding("n2", 100, held("b", "new", wanted)), holding("n1", 100), holding("n3", 100, held("b", "new", wanted))}, map[string][]string{"n2": {"b@new"}, "n1": {"a@new"}, "n3": {"b@new"}}},
		"room beside what is wanted and what is in use": {
			prefetches{of("a", one, urgent), of("b")},
			nodes{holding("n2", 150, held("b", "new", wanted), held("c", "new", mounted)), holding("n1", 60)},
			map[string][]string{"n1": {"a@new"}, "n2": {"b@new"}},
		},
		"room of a revision that another prefetch replaces": {
			prefetches{of("a", suspended, urgent), {Key: key("0"), Model: key("a"), Active: true, Selector: selector("x")}, of("b", one)},
			nodes{{Name: "n1", Ready: true, Budget: 120, Labels: map[string]string{"x": ""}, Held: []plan.Held{held("a", "old", wanted), held("b", "new", wanted, coming)}}, holding("n5", 120)},
			map[string][]string{"n1": {"a@new", "b@new"}},
		},
		"suspended: of two revisions that are there, one": {
			prefetches{of("a", suspended)},
			nodes{holding("n1", 100, held("a", "older"), held("a", "old")), holding("n3", 100, held("a", "old"), held("a", "older"))},
			map[string][]string{"n1": {"a@older"}, "n3": {"a@older"}},
		},
		"not room that the same priority wants":        {prefetches{of("a"), of("b")}, nodes{holding("n1", 100, held("b", "new", wanted))}, map[string][]string{"n1": {"b@new"}}},
		"not room that the same priority left a copy":  {prefetches{of("a"), of("b")}, nodes{holding("n1", 100, held("b", "new"))}, map[string][]string{"n1": {"b@new"}}},
		"wanted before left over":                      {prefetches{of("a"), of("b")}, nodes{holding("n1", 100, held("a", "new"), held("b", "new", wanted))}, map[string][]string{"n1": {"b@new"}}},
		"room that a lower priority wants":             {prefetches{of("a"), of("b", urgent)}, nodes{holding("n1", 100, held("a", "new", wanted))}, map[string][]string{"n1": {"b@new"}}},
		"not room of what is in use":                   {prefetches{of("b", urgent)}, nodes{holding("n1", 100, held("a", "new", mounted))}, map[string][]string{}},
		"not room of what is read while it comes":      {prefetches{of("b", urgent)}, nodes{holding("n1", 100, held("a", "new", mounted, coming))}, map[string][]string{}},
		"room of what nobody uses":                     {prefetches{of("b")}, nodes{holding("n1", 100, held("a", "new", wanted))}, map[string][]string{"n1": {"b@new"}}},
		"a revision that fits beside the one in use":   {prefetches{of("a")}, nodes{holding("n1", 120, held("a", "old", mounted, wanted))}, map[string][]string{"n1": {"a@new"}}},
		"no revision that does not":                    {prefetches{of("a")}, nodes{holding("n1", 119, held("a", "old", mounted, wanted))}, map[string][]string{}},
		"a revision in place of one that is not":       {prefetches{of("a")}, nodes{holding("n1", 60, held("a", "old", wanted))}, map[string][]string{"n1": {"a@new"}}},
		"what is in use, when the budget has shrunk":   {prefetches{of("a", urgent), of("b")}, nodes{holding("n1", 100, held("a", "new", mounted, wanted), held("b", "new", mounted, wanted))}, map[string][]string{"n1": {"a@new"}}},
		"unused for less than the TTL":                 {prefetches{of("a", hourly)}, nodes{holding("n1", 100, held("a", "new", wanted, usedAgo(time.Hour-1)))}, map[string][]string{"n1": {"a@new"}}},
		"unused for the TTL":                           {prefetches{of("a", hourly, one)}, nodes{holding("n1", 100, held("a", "new", wanted, usedAgo(time.Hour))), holding("n2", 100)}, map[string][]string{}},
		"unused for the TTL, and gone":                 {prefetches{of("a", hourly, one)}, nodes{holding("n1", 100, held("a", "new", gone, usedAgo(time.Hour))), holding("n2", 100)}, map[string][]string{}},
		"unused for the TTL, and gone, on the other":   {prefetches{of("a", hourly, one)}, nodes{holding("n2", 100, held("a", "new", gone, usedAgo(time.Hour))), holding("n1", 100)}, map[string][]string{}},
		"unused for the TTL in an older revision":      {prefetches{of("a", hourly)}, nodes{holding("n1", 100, held("a", "old", wanted, usedAgo(time.Hour)))}, map[string][]string{}},
		"in use for longer than the TTL":               {prefetches{of("a", hourly)}, nodes{holding("n1", 100, held("a", "new", wanted, mounted, usedAgo(2*time.Hour)))}, map[string][]string{"n1": {"a@new"}}},
		"never used":                                   {prefetches{of("a", hourly)}, nodes{holding("n1", 100, held("a", "new", wanted))}, map[string][]string{"n1": {"a@new"}}},
		"unused, but another prefetch keeps it":        {prefetches{of("a", hourly), {Key: key("z"), Model: key("a"), Active: true}}, nodes{holding("n1", 100, held("a", "new", wanted, usedAgo(time.Hour)))}, map[string][]string{"n1": {"a@new"}}},
		"suspended: what is there":                     {prefetches{of("a", suspended)}, nodes{holding("n1", 100, held("a", "new")), holding("n2", 100), holding("n3", 100, held("a", "new", coming, wanted)), holding("n4", 100, held("a", "new", coming))}, map[string][]string{"n1": {"a@new"}, "n3": {"a@new"}}},
		"suspended: the revision that is there":        {prefetches{of("a", suspended)}, nodes{holding("n1", 100, held("a", "old", wanted)), holding("n2", 60, held("a", "old", mounted)), holding("n3", 59, held("a", "old"))}, map[string][]string{"n1": {"a@old"}, "n2": {"a@old"}}},
		"suspended: the pinned revision, if it comes":  {prefetches{of("a", suspended)}, nodes{holding("n1", 100, held("a", "old"), held("a", "new", coming, wanted))}, map[string][]string{"n1": {"a@new"}}},
		"suspended, but another wants the pinned one":  {prefetches{of("a", suspended, urgent), {Key: key("z"), Model: key("a"), Active: true}}, nodes{holding("n1", 100, held("a", "old", wanted))}, map[string][]string{"n1": {"a@new"}}},
		"suspended last, but another wants the pinned": {prefetches{of("a", suspended), {Key: key("z"), Model: key("a"), Active: true, Priority: 1}}, nodes{holding("n1", 100, held("a", "old", wanted))}, map[string][]string{"n1": {"a@new"}}},
		"nothing else while the holder is away":        {prefetches{of("a", one)}, nodes{dead, holding("n2", 100)}, map[string][]string{}},
		"a ready holder before one that is away":       {prefetches{of("a", one)}, nodes{dead, holding("n2", 100, held("a", "new", wanted))}, map[string][]string{"n2": {"a@new"}}},
		"no node that is away and was not asked":       {prefetches{of("a", one)}, nodes{deadLeftOver, holding("n2", 100)}, map[string][]string{"n2": {"a@new"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, at(tc.prefetches, tc.nodes...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A prefetch of three nodes stays where it is when one of every node brings the model to another.
func TestMake_StaysWhenAnotherPrefetchBringsTheModelElsewhere(t *testing.T) {
	t.Parallel()
	everywhere := plan.Prefetch{Key: key("z"), Model: key("a"), Active: true, Selector: selector("pool=b")}
	for _, has := range []string{"n1", "n2", "n3"} {
		nodes := make([]plan.Node, 0, 6)
		for _, name := range []string{"n1", "n2", "n3", "n4", "n5", "n6"} {
			n := holding(name, 100)
			if name == has {
				n.Held = append(n.Held, held("a", "new", wanted))
			}
			if name > "n3" {
				n.Labels = map[string]string{"pool": "b"}
				n.Held = append(n.Held, held("a", "new", wanted, mounted))
			}
			nodes = append(nodes, n)
		}
		want := map[string][]string{has: {"a@new"}, "n4": {"a@new"}, "n5": {"a@new"}, "n6": {"a@new"}}
		if diff := cmp.Diff(want, at([]plan.Prefetch{of("a", one), everywhere}, nodes...)); diff != "" {
			t.Error(diff)
		}
	}
}

// Where copies go is the same in every process and in every version.
func TestMake_PlacesAreGolden(t *testing.T) {
	t.Parallel()
	nodes := make([]plan.Node, 0, 5)
	for _, name := range []string{"n1", "n2", "n3", "n4", "n5"} {
		nodes = append(nodes, holding(name, 1000))
	}
	want := map[string][]string{"n2": {"a@new"}, "n5": {"b@new", "c@new"}}
	if diff := cmp.Diff(want, at([]plan.Prefetch{of("a", one), of("b", one), of("c", one)}, nodes...)); diff != "" {
		t.Error(diff)
	}
}
