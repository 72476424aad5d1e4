// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package prewarm chooses the nodes that the next replicas will likely run on, so that their weights are there before them. It is pure.
package prewarm

import (
	"cmp"
	"slices"

	"github.com/hoist-dev/hoist/api/capacity"
)

// Nodes are the names of those that the scheduler could put so many more replicas on, at most most of them, in order of names. fit is of a world
// without placeholders, and taken says of a node that it has room only when those on it have made way. Nodes that hold the weights already come first,
// since they cost nothing; then those that are not taken, since the scheduler has nobody make way while a pod fits elsewhere; then those with the most
// room, which it fills first where it packs and where it spreads has too. A node that is full is none, and nor is one that is not there yet: it is
// one in the next pass after it has come.
func Nodes(fit capacity.Answer, taken, holds func(node string) bool, more int64, most int) []string {
	candidates := slices.DeleteFunc(slices.Clone(fit.Nodes), func(n capacity.Node) bool { return n.More == 0 })
	slices.SortFunc(candidates, func(a, b capacity.Node) int {
		return cmp.Or(-compare(holds(a.Name), holds(b.Name)), compare(taken(a.Name), taken(b.Name)), cmp.Compare(b.More, a.More), cmp.Compare(a.Name, b.Name))
	})
	var names []string
	for _, n := range candidates {
		if more <= 0 || len(names) >= most {
			break
		}
		names = append(names, n.Name)
		more -= n.More
	}
	slices.Sort(names)
	return names
}

// compare orders false before true.
func compare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
