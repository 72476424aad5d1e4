// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"cmp"
	"slices"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// candidate is something that may go to make room: a revision, or a blob or a
// partial blob that no revision needs.
type candidate struct {
	name     string // a revision's hex, or a blob id: unique
	revision cachenode.Revision
	blobs    []cachenode.BlobID
	garbage  bool // belongs to no revision
	lastUsed time.Time
}

// blobUse is what a blob takes and who needs it.
type blobUse struct {
	bytes int64
	refs  int // candidates and others that need it
}

// need is how much room has to be made.
type need struct{ bytes, inodes int64 }

func (n need) met() bool { return n.bytes <= 0 && n.inodes <= 0 }

// inodesPerBlob: the blob and its sums.
const inodesPerBlob = 2

// pickVictims chooses what to evict: garbage first, then the least recently used;
// whole revisions only. It picks no more than is needed, and nothing at all if
// everything together would not be enough: an eviction that does not help is a loss.
// It depends on its arguments alone.
func pickVictims(candidates []candidate, blobs map[cachenode.BlobID]blobUse, n need) (victims []candidate, enough bool) {
	if n.met() {
		return nil, true
	}
	order := slices.SortedFunc(slices.Values(candidates), func(a, b candidate) int {
		return cmp.Or(compareBool(b.garbage, a.garbage), a.lastUsed.Compare(b.lastUsed), cmp.Compare(a.name, b.name))
	})
	refs := map[cachenode.BlobID]int{}
	for _, c := range order {
		for _, id := range c.blobs {
			if refs[id]++; refs[id] == blobs[id].refs {
				n.bytes -= blobs[id].bytes
				n.inodes -= inodesPerBlob
			}
		}
		victims = append(victims, c)
		if n.met() {
			return spare(victims, blobs, n), true
		}
	}
	return nil, false
}

// spare takes back victims that turned out not to be needed: what came before may
// have freed little, and the last one a lot. excess is how much too much was freed,
// as a negative need. The most valuable are spared first.
func spare(victims []candidate, blobs map[cachenode.BlobID]blobUse, excess need) []candidate {
	for i := range slices.Backward(victims) {
		without := slices.Delete(slices.Clone(victims), i, i+1)
		left := excess
		left.add(freed(victims, blobs), freed(without, blobs))
		if left.met() {
			victims, excess = without, left
		}
	}
	return victims
}

// add charges what is freed no longer.
func (n *need) add(before, after need) {
	n.bytes += before.bytes - after.bytes
	n.inodes += before.inodes - after.inodes
}

// freed is what evicting victims gives back.
func freed(victims []candidate, blobs map[cachenode.BlobID]blobUse) (n need) {
	refs := map[cachenode.BlobID]int{}
	for _, c := range victims {
		for _, id := range c.blobs {
			if refs[id]++; refs[id] == blobs[id].refs {
				n.bytes += blobs[id].bytes
				n.inodes += inodesPerBlob
			}
		}
	}
	return n
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
