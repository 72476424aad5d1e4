// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

// Dry is a plan that nobody has carried out.
type Dry struct {
	Prefetches []DryPrefetch `json:"prefetches"`
	Bytes      int64         `json:"bytesToDownload"` // of the prefetches shown, each copy once
	Evictions  []DryEviction `json:"evictions"`       // to make room, of all prefetches
}

// DryPrefetch is what would become of one Prefetch.
type DryPrefetch struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Model     string    `json:"model"`
	Size      int64     `json:"modelBytes"`
	Change    string    `json:"change,omitempty"` // new, changed or affected; empty is as before
	Verdict   string    `json:"verdict"`
	Message   string    `json:"message"`
	Bytes     int64     `json:"bytesToDownload"`
	Nodes     []DryNode `json:"nodes"`
}

// DryNode is one node that a Prefetch would choose.
type DryNode struct {
	Name  string `json:"name"`
	State string `json:"state"` // one of the below
	Bytes int64  `json:"bytesToDownload"`
}

// The states of a node's copy.
const (
	HasIt      = "has it"
	HasPart    = "has a part"
	HasAnother = "has another revision"
	NeedsIt    = "needs it"
	Unused     = "unused too long" // chosen, but its time to live ran out
	NotReady   = "not ready"       // chosen, and can't be told anything now
)

// DryEviction is a copy that would go.
type DryEviction struct {
	Node      string `json:"node"`
	Namespace string `json:"namespace"`
	Model     string `json:"model"`
	Revision  string `json:"revision"`
	Bytes     int64  `json:"bytes"`
}

// Changes says what of a file differs from the cluster: new and changed Prefetches, and those that fare differently for it.
func Changes(before, after plan.Plan, fromFile map[plan.Key]string) map[plan.Key]string {
	changes := maps.Clone(fromFile)
	was := map[plan.Key]plan.Decision{}
	for _, d := range before.Decisions {
		was[d.Prefetch] = d
	}
	for _, d := range after.Decisions {
		old := was[d.Prefetch]
		if _, named := fromFile[d.Prefetch]; !named && (old.Verdict != d.Verdict || old.Message != d.Message || !slices.Equal(old.Nodes, d.Nodes)) {
			changes[d.Prefetch] = "affected"
		}
	}
	return changes
}

// DryRun shows the Prefetches of made that show picks. refused are those whose spec can't be read, and changes what Changes says.
func DryRun(in plan.Input, made plan.Plan, refused map[plan.Key]error, changes map[plan.Key]string, show func(plan.Key) bool) Dry {
	f := factsOf(in)
	out := Dry{Prefetches: []DryPrefetch{}, Evictions: []DryEviction{}}
	for _, d := range made.Decisions {
		if show(d.Prefetch) {
			out.Prefetches = append(out.Prefetches, f.prefetch(d, changes[d.Prefetch]))
		}
	}
	for key, err := range refused {
		if show(key) {
			out.Prefetches = append(out.Prefetches, DryPrefetch{Namespace: key.Namespace, Name: key.Name, Change: changes[key], Verdict: "Invalid",
				Message: "its spec can't be read: " + err.Error(), Nodes: []DryNode{}})
		}
	}
	slices.SortFunc(out.Prefetches, func(a, b DryPrefetch) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	out.Bytes = unique(out.Prefetches)
	for _, e := range made.Evictions {
		out.Evictions = append(out.Evictions, DryEviction{Node: e.Node, Namespace: e.Key.Namespace, Model: e.Key.Name, Revision: e.Revision, Bytes: e.Bytes})
	}
	return out
}

// unique counts a copy that several prefetches want once.
func unique(prefetches []DryPrefetch) (sum int64) {
	seen := map[[3]string]bool{}
	for i := range prefetches {
		for _, n := range prefetches[i].Nodes {
			copied := [3]string{prefetches[i].Namespace, prefetches[i].Model, n.Name}
			if !seen[copied] {
				seen[copied], sum = true, sum+n.Bytes
			}
		}
	}
	return sum
}
