// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// World is what pods have to fit into.
type World struct {
	Nodes  []corev1.Node
	Pods   []corev1.Pod           // of all namespaces; those that have ended, or have no node, count for nothing
	Quotas []corev1.ResourceQuota // of the namespace of the pod that is asked about
}

// Stop is a reason that a pod does not fit.
type Stop string

// The reasons. Those of requests are what they ask for: Requests, with the resource beside it.
const (
	NotReady Stop = "NotReady" // the node is not Ready, or cordoned
	Taint    Stop = "Taint"    // not tolerated
	Selector Stop = "Selector" // node selector or required affinity
	VRAM     Stop = "VRAM"     // required affinity to the memory of each GPU
	Requests Stop = "Requests" // the node has too little of a resource left
	Lacks    Stop = "Lacks"    // the node never had any of a resource
	Anti     Stop = "Anti"     // it keeps apart from pods that are there
	Quota    Stop = "Quota"    // of the namespace
	NoNodes  Stop = "NoNodes"  // there are none
)

// unstoppable is how many fit where nothing stops them.
const unstoppable = int64(1) << 31

// Why is what stops the next pod, in one place or on several nodes.
type Why struct {
	Stop     Stop
	Resource corev1.ResourceName // of Requests, Lacks and Quota
	Detail   string              // the taint, the quota
	Nodes    int                 // on how many
}

// Node is how many more fit on one.
type Node struct {
	Name string
	More int64
	Next Why // what stops one more than that
}

// Answer is how many more fit.
type Answer struct {
	More  int64
	Nodes []Node // by name
	// Stops are what stops the next, the one on the most nodes first; a quota alone, if it is what stops.
	Stops []Why
	// Stranded are GPUs that no pod has, on nodes that such pods may use, and that these pods can't fill even where Quota allows it.
	Stranded int64
}

// Room reports whether one more fits on a node.
func (a *Answer) Room(node string) bool {
	i, found := slices.BinarySearchFunc(a.Nodes, node, func(n Node, name string) int { return cmp.Compare(n.Name, name) })
	return found && a.Nodes[i].More > 0
}

// Fit answers for a pod as it would be created: with what admission adds.
func Fit(pod *corev1.Pod, w World) Answer {
	pod = defaulted(pod)
	used := usage(w.Pods)
	a := Answer{Nodes: make([]Node, 0, len(w.Nodes))}
	for i := range w.Nodes {
		n := fitNode(pod, &w.Nodes[i], used[w.Nodes[i].Name])
		a.Nodes = append(a.Nodes, n.Node)
		a.More += n.More
		a.Stranded += n.stranded
	}
	slices.SortFunc(a.Nodes, func(x, y Node) int { return cmp.Compare(x.Name, y.Name) })
	if most, why := quotaRoom(pod, w.Quotas); most < a.More || most == 0 {
		a.More, a.Stops = most, []Why{why}
		return a
	}
	a.Stops = count(a.Nodes)
	return a
}

// count puts together what stops the next on each node.
func count(nodes []Node) []Why {
	if len(nodes) == 0 {
		return []Why{{Stop: NoNodes}}
	}
	var all []Why
	for _, n := range nodes {
		same := func(w Why) bool {
			return w.Stop == n.Next.Stop && w.Resource == n.Next.Resource && w.Detail == n.Next.Detail
		}
		i := slices.IndexFunc(all, same)
		if i < 0 {
			i = len(all)
			all = append(all, n.Next)
		}
		all[i].Nodes++
	}
	// A resource that ran out says more than nodes that were never meant for such pods.
	slices.SortStableFunc(all, func(x, y Why) int {
		return cmp.Or(cmp.Compare(nearness(y.Stop), nearness(x.Stop)), cmp.Compare(y.Nodes, x.Nodes), cmp.Compare(x.Resource, y.Resource), cmp.Compare(x.Detail, y.Detail))
	})
	return all
}

// String is for people: "nvidia.com/gpu on 2 nodes".
func (w Why) String() string {
	what := ""
	switch w.Stop {
	case NoNodes:
		return "there are no nodes"
	case Quota:
		return fmt.Sprintf("the quota %s of %s", w.Detail, w.Resource)
	case Requests:
		what = string(w.Resource)
	case Lacks:
		what = "no " + string(w.Resource)
	case Taint:
		what = "the taint " + w.Detail
	case NotReady:
		what = "not Ready or cordoned"
	case Selector:
		what = "node selector or affinity"
	case VRAM:
		what = "VRAM"
	case Anti:
		what = "one pod a node"
	}
	if w.Nodes == 1 {
		return what + " on 1 node"
	}
	return fmt.Sprintf("%s on %d nodes", what, w.Nodes)
}

// nearness is how close a node that stops a pod so came to taking it.
func nearness(s Stop) int {
	switch s {
	case Requests, Anti:
		return 3
	case VRAM, NotReady:
		return 2
	case Taint:
		return 1
	case Selector, Lacks, Quota, NoNodes:
	}
	return 0
}
