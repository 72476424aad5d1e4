// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

const gib = 1 << 30

// budgets makes a node for each; names are node1 and on.
func budgets(each ...int64) []plan.Node {
	nodes := make([]plan.Node, len(each))
	for i, budget := range each {
		nodes[i] = plan.Node{Name: fmt.Sprintf("node%d", i+1), Ready: true, Budget: budget, Labels: map[string]string{"gpu": "h200"}}
	}
	return nodes
}

func TestMake_SaysHowEachPrefetchFared(t *testing.T) {
	t.Parallel()
	const budget = 200 * gib
	llama := plan.Model{Key: key("llama"), Revision: "r2", Bytes: 130 * gib}
	ready := plan.Held{Key: llama.Key, Revision: "r2", Bytes: llama.Bytes, Total: llama.Bytes, Ready: true, Wanted: true}
	unused := ready
	unused.LastUsed = now.Add(-25 * time.Hour)
	all := plan.Prefetch{Key: key("p"), Model: llama.Key, Active: true}
	set := func(change func(*plan.Prefetch)) plan.Prefetch {
		f := all
		change(&f)
		return f
	}
	hold := func(nodes []plan.Node, at int, h plan.Held) []plan.Node {
		nodes[at].Held = append(nodes[at].Held, h)
		return nodes
	}
	notReady := func(nodes []plan.Node, at ...int) []plan.Node {
		for _, i := range at {
			nodes[i].Ready = false
		}
		return nodes
	}
	small := func(n plan.Model) plan.Model { n.Bytes = 0; return n }
	var crowd []plan.Prefetch
	var models []plan.Model
	for i := range plan.MaxModels {
		m := plan.Model{Key: key(fmt.Sprintf("m%03d", i)), Revision: "r"}
		models = append(models, m)
		crowd = append(crowd, plan.Prefetch{Key: m.Key, Model: m.Key, Active: true, Priority: 1})
	}

	for name, tc := range map[string]struct {
		nodes  []plan.Node
		models []plan.Model // llama if nil
		f      plan.Prefetch
		more   []plan.Prefetch
		want   plan.Decision
	}{
		"all": {
			nodes: budgets(budget, budget, budget), f: all,
			want: plan.Decision{Nodes: []string{"node1", "node2", "node3"}, Candidates: 3, Asked: 3, Verdict: plan.Enough, Message: "fits on the 3 nodes asked for"},
		},
		"one": {
			nodes: hold(budgets(budget, budget), 1, ready), f: set(func(f *plan.Prefetch) { f.Count = 1 }),
			want: plan.Decision{Nodes: []string{"node2"}, Candidates: 2, Asked: 1, Verdict: plan.Enough, Message: "fits on the 1 node asked for"},
		},
		"a percentage is rounded up": {
			nodes: hold(hold(budgets(budget, budget, budget), 0, ready), 2, ready), f: set(func(f *plan.Prefetch) { f.Percent = 34 }),
			want: plan.Decision{Nodes: []string{"node1", "node3"}, Candidates: 3, Asked: 2, Verdict: plan.Enough, Message: "fits on the 2 nodes asked for"},
		},
		"a percentage counts those that are not ready": {
			nodes: notReady(budgets(budget, budget, budget, budget), 0, 1), f: set(func(f *plan.Prefetch) { f.Percent = 50 }),
			want: plan.Decision{Nodes: []string{"node3", "node4"}, Candidates: 2, Asked: 2, Verdict: plan.Enough, Message: "fits on the 2 nodes asked for"},
		},
		"a percentage asks for no more than are ready": {
			nodes: notReady(budgets(budget, budget, budget), 0), f: set(func(f *plan.Prefetch) { f.Percent = 100 }),
			want: plan.Decision{Nodes: []string{"node2", "node3"}, Candidates: 2, Asked: 2, Verdict: plan.Enough, Message: "fits on the 2 nodes asked for"},
		},
		"a holder is not ready": {
			nodes: notReady(hold(budgets(budget, budget, budget), 0, ready), 0, 2), f: all,
			want: plan.Decision{Nodes: []string{"node1", "node2"}, Candidates: 1, Asked: 2, Verdict: plan.Enough, Message: "fits on the 2 nodes asked for; 1 is not ready"},
		},
		"unused": {
			nodes: hold(budgets(budget, budget), 0, unused), f: set(func(f *plan.Prefetch) { f.TTL = 24 * time.Hour }),
			want: plan.Decision{Nodes: []string{"node1", "node2"}, Expired: []string{"node1"}, Candidates: 2, Asked: 2, Verdict: plan.Enough, Message: "fits on the 2 nodes asked for; on 1 no pod used it for 24h0m0s"},
		},
		"no node": {
			f:    all,
			want: plan.Decision{Verdict: plan.NoNodes, Message: "no node has an agent yet"},
		},
		"no node matches": {
			nodes: budgets(budget), f: set(func(f *plan.Prefetch) { f.Selector, f.Count = selector("gpu=b300"), 2 }),
			want: plan.Decision{Asked: 2, Verdict: plan.NoNodes, Message: "no node matches the selector"},
		},
		"no node is ready": {
			nodes: notReady(hold(budgets(budget, budget), 1, ready), 0, 1), f: all,
			want: plan.Decision{Nodes: []string{"node2"}, Asked: 1, Verdict: plan.NoNodes, Message: "no node that matches is ready: 2 are not"},
		},
		"too big": {
			nodes: budgets(118*gib-gib/50, 50*gib), f: all,
			want: plan.Decision{TooSmall: []string{"node1", "node2"}, Candidates: 2, Asked: 2, Verdict: plan.TooBig, Message: "fits on no node that matches: node1 lacks 12.1 GiB, node2 lacks 80.0 GiB"},
		},
		"too big for many": {
			nodes: budgets(0, 130*gib-1, 130*gib-1<<10, 130*gib-1<<20, 0, 0, 0, 0), f: set(func(f *plan.Prefetch) { f.Percent = 50 }),
			want: plan.Decision{
				TooSmall: []string{"node1", "node2", "node3", "node4", "node5", "node6", "node7", "node8"}, Candidates: 8, Asked: 4, Verdict: plan.TooBig,
				Message: "fits on no node that matches: node1 lacks 130.0 GiB, node2 lacks 1 B, node3 lacks 1.0 KiB, node4 lacks 1.0 MiB, node5 lacks 130.0 GiB, and 3 more",
			},
		},
		"not enough room": {
			nodes: budgets(budget, budget, budget, 118*gib, 50*gib+1), f: set(func(f *plan.Prefetch) { f.Count = 5 }),
			want: plan.Decision{
				Nodes: []string{"node1", "node2", "node3"}, TooSmall: []string{"node4", "node5"}, Candidates: 5, Asked: 5, Verdict: plan.NotEnoughNodes,
				Message: "fits on 3 of the 5 nodes asked for: node4 lacks 12.0 GiB, node5 lacks 80.0 GiB",
			},
		},
		"not enough nodes": {
			nodes: budgets(budget, 0), f: set(func(f *plan.Prefetch) { f.Count = 5 }),
			want: plan.Decision{
				Nodes: []string{"node1"}, TooSmall: []string{"node2"}, Candidates: 2, Asked: 5, Verdict: plan.NotEnoughNodes,
				Message: "fits on 1 of the 5 nodes asked for: only 2 nodes match, node2 lacks 130.0 GiB",
			},
		},
		"not enough nodes are ready": {
			nodes: notReady(budgets(budget, budget, budget), 1), f: set(func(f *plan.Prefetch) { f.Count = 3 }),
			want: plan.Decision{
				Nodes: []string{"node1", "node3"}, Candidates: 2, Asked: 3, Verdict: plan.NotEnoughNodes,
				Message: "fits on 2 of the 3 nodes asked for: only 2 of the 3 that match are ready",
			},
		},
		"full of models": {
			nodes: budgets(budget), models: append(models, small(llama)), more: crowd, f: all,
			want: plan.Decision{TooSmall: []string{"node1"}, Candidates: 1, Asked: 1, Verdict: plan.TooBig, Message: "fits on no node that matches: node1 holds 256 models, the most there can be"},
		},
		"no such model": {
			nodes: budgets(budget), f: set(func(f *plan.Prefetch) { f.Model = plan.Key{Namespace: "other", Name: "llama"} }),
			want: plan.Decision{Verdict: plan.ModelMissing, Message: "there is no Model other/llama"},
		},
		"not resolved": {
			nodes: hold(budgets(budget), 0, ready), models: []plan.Model{{Key: llama.Key}}, f: all,
			want: plan.Decision{Verdict: plan.ModelNotResolved, Message: "the revision of Model ml/llama is not known yet"},
		},
		"suspended": {
			nodes: hold(budgets(budget, budget), 1, ready), f: set(func(f *plan.Prefetch) { f.Suspend, f.Active = true, false }),
			want: plan.Decision{Nodes: []string{"node2"}, Candidates: 2, Asked: 2, Verdict: plan.Suspended, Message: "suspended: 1 copy stays, and no new ones are made"},
		},
		"suspended and unused": {
			nodes: hold(hold(budgets(budget, budget), 1, ready), 0, unused), f: set(func(f *plan.Prefetch) { f.Suspend, f.Active, f.TTL = true, false, 24*time.Hour }),
			want: plan.Decision{
				Nodes: []string{"node1", "node2"}, Expired: []string{"node1"}, Candidates: 2, Asked: 2,
				Verdict: plan.Suspended, Message: "suspended: 1 copy stays, and no new ones are made",
			},
		},
		"suspended from the start": {
			nodes: budgets(budget, budget), f: set(func(f *plan.Prefetch) { f.Suspend, f.Active = true, false }),
			want: plan.Decision{Candidates: 2, Asked: 2, Verdict: plan.Suspended, Message: "suspended: 0 copies stay, and no new ones are made"},
		},
		"outside its schedule": {
			nodes: hold(budgets(budget), 0, ready), f: set(func(f *plan.Prefetch) { f.Active = false }),
			want: plan.Decision{Verdict: plan.OutsideSchedule, Message: "outside its schedule: it wants no copies now"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := plan.Input{Now: now, Models: tc.models, Nodes: tc.nodes, Prefetches: append([]plan.Prefetch{tc.f}, tc.more...)}
			if in.Models == nil {
				in.Models = []plan.Model{llama}
			}
			decisions := plan.Make(in).Decisions
			got := decisions[len(decisions)-1] // the keys of more sort first
			tc.want.Prefetch = tc.f.Key
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
