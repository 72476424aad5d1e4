// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"slices"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

// dryFacts is the input of a plan, by name.
type dryFacts struct {
	models     map[plan.Key]plan.Model
	prefetches map[plan.Key]plan.Prefetch
	nodes      map[string]plan.Node
}

func factsOf(in plan.Input) dryFacts {
	f := dryFacts{models: map[plan.Key]plan.Model{}, prefetches: map[plan.Key]plan.Prefetch{}, nodes: map[string]plan.Node{}}
	for _, m := range in.Models {
		f.models[m.Key] = m
	}
	for _, p := range in.Prefetches {
		f.prefetches[p.Key] = p
	}
	for _, n := range in.Nodes {
		f.nodes[n.Name] = n
	}
	return f
}

func (f dryFacts) prefetch(d plan.Decision, change string) DryPrefetch {
	model := f.models[f.prefetches[d.Prefetch].Model]
	out := DryPrefetch{Namespace: d.Prefetch.Namespace, Name: d.Prefetch.Name, Model: f.prefetches[d.Prefetch].Model.Name, Size: model.Bytes,
		Change: change, Verdict: string(d.Verdict), Message: d.Message, Nodes: []DryNode{}}
	for _, name := range d.Nodes {
		n := f.copyOn(name, model)
		if slices.Contains(d.Expired, name) && n.State != HasIt {
			n.State, n.Bytes = Unused, 0
		}
		if d.Verdict == plan.Suspended {
			n.Bytes = 0
		}
		out.Nodes, out.Bytes = append(out.Nodes, n), out.Bytes+n.Bytes
	}
	return out
}

// copyOn is what a node has of a model's pinned revision.
func (f dryFacts) copyOn(name string, model plan.Model) DryNode {
	node := f.nodes[name]
	out := DryNode{Name: name, State: NeedsIt, Bytes: model.Bytes}
	for _, h := range node.Held {
		switch {
		case h.Key != model.Key:
		case h.Revision != model.Revision:
			if h.Ready && out.State == NeedsIt {
				out.State = HasAnother
			}
		case h.Ready:
			out.State, out.Bytes = HasIt, 0
		case h.Bytes > 0:
			out.State, out.Bytes = HasPart, max(model.Bytes-h.Bytes, 0)
		}
	}
	if !node.Ready {
		out.State, out.Bytes = NotReady, 0
	}
	return out
}
