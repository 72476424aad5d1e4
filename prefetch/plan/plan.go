// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package plan decides which models each node shall hold. It is a pure function on values, Make: no I/O, no clock, no memory.
//
// Prefetches are served by priority. On one level those whose copies are wanted already go first, then those whose copies
// are there though nobody wants them, then new ones; so a prefetch takes room only from those below it. Which k of n nodes: those
// that have the model, then by rendezvous hashing. What fits, room.go alone says.
//
// The outcome is a fixed point: Make of a cluster that follows the plan is the same plan.
//
// A node that is not ready is left out of Plan.Nodes, so that nothing is written for it. Where the model is in its spec, it still
// counts as one of a prefetch's nodes, after those that are ready: an agent that restarts moves no copy. It stops counting when
// it is gone from the input.
package plan

import (
	"time"

	"k8s.io/apimachinery/pkg/labels"
)

// MaxModels is the most models that one node holds; the API has the same limit.
const MaxModels = 256

// MemoryTier is the highest tier: a copy that one prefetch wants there is there for all.
const MemoryTier = "Memory"

// Key names a Model or a Prefetch.
type Key struct{ Namespace, Name string }

// String is namespace/name.
func (k Key) String() string { return k.Namespace + "/" + k.Name }

// Model is what a Model's status says.
type Model struct {
	Key      Key
	Revision string // the pinned one; empty while it is not known
	Bytes    int64  // of all its files
}

// Node is a node with an agent. Names are unique.
type Node struct {
	Name   string
	Labels map[string]string
	Ready  bool   // the agent reports, and the node is not being deleted
	Budget int64  // bytes that the cache may use in all
	Held   []Held // what is on it, or in its spec; one for each revision
}

// Held is one revision on a node, or on its way there.
type Held struct {
	Key      Key
	Revision string
	Bytes    int64 // on the disk now
	Total    int64 // bytes when it is whole; 0 if unknown
	Ready    bool  // whole and verified
	Mounts   int   // pods that have it mounted: it can't be evicted
	Wanted   bool  // it is in the node's spec now

	// LastUsed is when a pod mounted it, or gave it back, last; zero is never. A caller that remembers it after the copy went
	// passes it on with no bytes: a prefetch whose TTL let the copy go then does not fetch it again.
	LastUsed time.Time
}

// Prefetch says on which nodes a model shall be. Keys are unique.
type Prefetch struct {
	Key      Key
	Model    Key
	Selector labels.Selector // nil matches every node
	Count    int32           // of the matched nodes; 0 is not said
	Percent  int32           // of the matched nodes, rounded up; 0 is not said. With neither: all of them
	Priority int             // higher goes first
	Tier     string
	TTL      time.Duration // after which an unused copy may go; 0 keeps it
	Active   bool          // not suspended, and inside its schedule
	Suspend  bool          // keeps what it has and adds nothing
}

// Input is all that a plan depends on. The order in its slices does not matter.
type Input struct {
	Now        time.Time
	Models     []Model
	Nodes      []Node
	Prefetches []Prefetch
}

// Want is one model that a node shall hold, for all prefetches that want it there together.
type Want struct {
	Key      Key
	Revision string
	Priority int    // the highest
	Tier     string // the highest
}

// Verdict says in one word how a prefetch fared. The words are reasons of the API's conditions.
type Verdict string

// The verdicts.
const (
	Enough           Verdict = "Enough"           // nodes and room
	NoNodes          Verdict = "NoNodes"          // no ready node matches
	TooBig           Verdict = "TooBig"           // no matching node has room
	NotEnoughNodes   Verdict = "NotEnoughNodes"   // fewer nodes than asked for
	ModelMissing     Verdict = "ModelMissing"     // there is no such Model
	ModelNotResolved Verdict = "ModelNotResolved" // its revision is not known yet
	Suspended        Verdict = "Suspended"        // keeps what it has
	OutsideSchedule  Verdict = "OutsideSchedule"  // wants nothing now
)

// Decision is the outcome for one prefetch. Names of nodes are sorted.
type Decision struct {
	Prefetch   Key
	Nodes      []string // chosen, among them those of Expired and those that hold it but are not ready
	Expired    []string // chosen, but unused for the TTL: not wanted there by this prefetch
	TooSmall   []string // matched and ready, but without room; told when there are fewer than asked for
	Candidates int      // nodes that match and are ready
	Asked      int      // nodes that were asked for
	Verdict    Verdict
	Message    string // a sentence for people
}

// Eviction is a copy that nobody wants and that must go to make room.
type Eviction struct {
	Node     string
	Key      Key
	Revision string
	Bytes    int64
}

// Plan is what shall be.
type Plan struct {
	Nodes     map[string][]Want // every ready node, its wants sorted by key
	Decisions []Decision        // one for each prefetch, sorted by key
	Evictions []Eviction        // by node, least recently used first
}
