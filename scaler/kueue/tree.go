// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package kueue

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// node is a ClusterQueue or a Cohort among those that lend to it.
type node struct {
	groups   []Group
	parent   *node
	children []*node
}

// part is a resource of a flavor: what is lent is lent by that.
type part struct {
	flavor   string
	resource corev1.ResourceName
}

// plant gives a queue's node, with all that it can borrow from above and beside it; ok is false where cohorts are members of themselves, in which Kueue
// admits nothing until somebody mends it.
func plant(queue *ClusterQueue, queues []ClusterQueue, cohorts []Cohort) (leaf *node, ok bool) {
	above := map[string]*node{}
	named := func(name string) *node {
		if name == "" {
			return nil
		}
		if above[name] == nil {
			above[name] = &node{}
		}
		return above[name]
	}
	hang := func(n, parent *node) {
		if n.parent = parent; parent != nil {
			parent.children = append(parent.children, n)
		}
	}
	for i := range cohorts {
		n := named(cohorts[i].Name)
		n.groups = cohorts[i].Spec.Groups
		hang(n, named(cohorts[i].Spec.ParentName))
	}
	for i := range queues {
		n := &node{groups: queues[i].Spec.Groups}
		hang(n, named(queues[i].cohort()))
		if queues[i].Name == queue.Name {
			leaf = n
		}
	}
	if leaf == nil {
		leaf = &node{groups: queue.Spec.Groups}
		hang(leaf, named(queue.cohort()))
	}
	steps := 0
	for n := leaf; n != nil; n = n.parent {
		if steps++; steps > len(above)+1 {
			return nil, false
		}
	}
	return leaf, true
}

func (n *node) quota(p part) (q Quota, ok bool) {
	for i := range n.groups {
		for _, flavor := range n.groups[i].Flavors {
			for _, q := range flavor.Resources {
				if flavor.Name == p.flavor && q.Name == p.resource {
					return q, true
				}
			}
		}
	}
	return Quota{}, false
}

// below is what a node and all below it have: its own, and what each of its children lends.
func (n *node) below(p part) int64 {
	q, _ := n.quota(p)
	sum := amount(p.resource, q.Nominal)
	for _, child := range n.children {
		sum = plus(sum, child.below(p)-child.kept(p))
	}
	return sum
}

// kept is what a node lends to nobody.
func (n *node) kept(p part) int64 {
	if q, ok := n.quota(p); ok && q.Lending != nil {
		return max(n.below(p)-amount(p.resource, *q.Lending), 0)
	}
	return 0
}

// reach is the most that a node could ever have, when nobody else uses anything.
func (n *node) reach(p part) int64 {
	if n.parent == nil {
		return n.below(p)
	}
	most := plus(n.kept(p), n.parent.reach(p))
	if q, ok := n.quota(p); ok && q.Borrowing != nil {
		most = min(most, plus(n.below(p), amount(p.resource, *q.Borrowing)))
	}
	return most
}

// amount is a quantity in the unit that Kueue counts in: thousandths of CPUs, else whole ones.
func amount(name corev1.ResourceName, q resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}

// plus adds what is not negative, and stops where numbers end.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
