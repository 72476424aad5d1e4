// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

// A controller that looks again writes nothing.
func TestMake_OfAClusterThatFollowsIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, limits{})
		first := plan.Make(in)
		second := plan.Make(follow(in, first, false))
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("after the specs were written:\n%s", diff)
		}
	})
}

// Nor when the copies are there, unless one of two prefetches of a model finds that the other's will do.
func TestMake_OfAClusterThatHasFollowedIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, limits{separate: true})
		for i := range in.Prefetches {
			in.Prefetches[i].TTL = 0                                        // what it let go would be new again
			in.Prefetches[i].Suspend, in.Prefetches[i].Active = false, true // of two revisions it keeps the other when one is gone
		}
		first := plan.Make(in)
		second := plan.Make(follow(in, first, true))
		if len(second.Evictions) > 0 {
			t.Fatal(second.Evictions)
		}
		second.Evictions = first.Evictions
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatal(diff)
		}
	})
}

// steady is a cluster that holds what a plan says.
func steady(t *rapid.T, l limits) plan.Input {
	in := drawInput(t, l)
	return follow(in, plan.Make(in), true)
}

func join(t *rapid.T, in plan.Input, l limits) (plan.Input, plan.Node) {
	l.empty = true
	n := drawNode(t, rapid.SampledFrom([]string{"a-new", "n3b", "z-new"}).Draw(t, "name"), in.Models, l)
	in.Nodes = append(slices.Clone(in.Nodes), n)
	return in, n
}

func TestMake_ANodeThatJoinsMovesNoCopy(t *testing.T) {
	t.Parallel()
	l := limits{steady: true, separate: true, counts: true}
	rapid.Check(t, func(t *rapid.T) {
		in := steady(t, l)
		before := plan.Make(in)
		bigger, n := join(t, in, l)
		after := plan.Make(bigger)
		delete(after.Nodes, n.Name)
		if diff := cmp.Diff(before.Nodes, after.Nodes); diff != "" {
			t.Fatalf("%s joined:\n%s", n.Name, diff)
		}
	})
}

// Not even where a percentage, now of more nodes, wants one more; nor where prefetches share models.
func TestMake_ANodeThatJoinsTakesNoCopyAway(t *testing.T) {
	t.Parallel()
	l := limits{steady: true, flat: true}
	rapid.Check(t, func(t *rapid.T) {
		in := steady(t, l)
		in = follow(in, plan.Make(in), true) // of prefetches that share a model
		before := plan.Make(in)
		bigger, n := join(t, in, l)
		after := plan.Make(bigger)
		for name, wants := range before.Nodes {
			for _, w := range wants {
				if !slices.ContainsFunc(after.Nodes[name], func(a plan.Want) bool { return a.Key == w.Key }) {
					t.Fatalf("%s joined and %s lost %v", n.Name, name, w)
				}
			}
		}
	})
}

func TestMake_ANodeThatJoinsAnEmptyClusterGetsItsShareAlone(t *testing.T) {
	t.Parallel()
	l := limits{steady: true, separate: true, roomy: true, empty: true, counts: true}
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t, l)
		before := plan.Make(in)
		bigger, n := join(t, in, l)
		for i, d := range plan.Make(bigger).Decisions {
			old := before.Decisions[i].Nodes
			lost := slices.DeleteFunc(slices.Clone(old), func(name string) bool { return slices.Contains(d.Nodes, name) })
			won := slices.DeleteFunc(slices.Clone(d.Nodes), func(name string) bool { return slices.Contains(old, name) })
			if len(lost) > len(won) || len(won) > 1 || len(won) == 1 && won[0] != n.Name {
				t.Fatalf("%s joined: %v became %v", n.Name, old, d.Nodes)
			}
		}
	})
}

func TestMake_ANodeThatGoesMovesItsShareAlone(t *testing.T) {
	t.Parallel()
	l := limits{steady: true, separate: true, flat: true, counts: true}
	rapid.Check(t, func(t *rapid.T) {
		in := steady(t, l)
		if len(in.Nodes) == 0 {
			return
		}
		before := plan.Make(in)
		gone := rapid.IntRange(0, len(in.Nodes)-1).Draw(t, "gone")
		name := in.Nodes[gone].Name
		in.Nodes = slices.Delete(slices.Clone(in.Nodes), gone, gone+1)
		for n, wants := range plan.Make(in).Nodes {
			for _, w := range before.Nodes[n] {
				if !slices.Contains(wants, w) {
					t.Fatalf("%s went and %s lost %v", name, n, w)
				}
			}
			for _, w := range wants {
				had := func(wants []plan.Want) bool { return slices.Contains(wants, w) }
				if !had(before.Nodes[n]) && !had(before.Nodes[name]) {
					t.Fatalf("%s went, which did not have %v, but %s got it", name, w, n)
				}
			}
		}
	})
}
