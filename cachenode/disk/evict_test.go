// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

// drawCandidates makes copies that share some blobs, and some garbage.
func drawCandidates(t *rapid.T) ([]candidate, map[cachenode.BlobID]blobUse) {
	ids := []cachenode.BlobID{"a", "b", "c", "d", "e", "f", "g"}
	blobs := map[cachenode.BlobID]blobUse{}
	for _, id := range ids {
		// refs from outside: what is leased, pinned or being filled needs some blobs too
		blobs[id] = blobUse{bytes: rapid.Int64Range(0, 100).Draw(t, "bytes"), refs: rapid.IntRange(0, 1).Draw(t, "held")}
	}
	var all []candidate
	for i := range rapid.IntRange(0, 6).Draw(t, "copies") {
		c := candidate{name: string(rune('A' + i)), lastUsed: time.Unix(rapid.Int64Range(0, 3).Draw(t, "used"), 0), blobs: rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, 4, rapid.ID).Draw(t, "blobs")}
		for _, id := range c.blobs {
			u := blobs[id]
			u.refs++
			blobs[id] = u
		}
		all = append(all, c)
	}
	for id, u := range blobs {
		if u.refs == 0 {
			blobs[id] = blobUse{bytes: u.bytes, refs: 1}
			all = append(all, candidate{name: string(id), garbage: true, blobs: []cachenode.BlobID{id}})
		}
	}
	return all, blobs
}

// D3: enough and no more, whole revisions, the cheapest first, and always the same.
func TestPickVictims_FreesEnoughAndNoMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all, blobs := drawCandidates(t)
		n := need{bytes: rapid.Int64Range(0, 300).Draw(t, "need"), inodes: rapid.Int64Range(0, 8).Draw(t, "inodes")}
		covers := func(victims []candidate) bool {
			got := freed(victims, blobs)
			return got.bytes >= n.bytes && got.inodes >= n.inodes
		}
		victims, enough := pickVictims(all, blobs, n)
		if enough != covers(all) {
			t.Fatalf("enough is %v, everything frees %+v of %+v", enough, freed(all, blobs), n)
		}
		if !enough && len(victims) > 0 {
			t.Fatalf("%d victims in vain", len(victims))
		}
		if enough && !covers(victims) {
			t.Fatalf("freed %+v, need %+v", freed(victims, blobs), n)
		}
		for i := range victims {
			if covers(slices.Delete(slices.Clone(victims), i, i+1)) {
				t.Fatalf("%s goes for nothing", victims[i].name)
			}
		}
		shuffled := slices.Clone(all)
		for i := range shuffled {
			j := rapid.IntRange(0, i).Draw(t, "swap")
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		}
		again, _ := pickVictims(shuffled, blobs, n)
		if !cmp.Equal(victims, again, cmp.AllowUnexported(candidate{})) {
			t.Fatalf("another order picks %v, not %v", again, victims)
		}
	})
}

func TestPickVictims_GoesByGarbageThenUse(t *testing.T) {
	t.Parallel()
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	all := []candidate{
		{name: "hot", lastUsed: at(11), blobs: []cachenode.BlobID{"hot"}},
		{name: "new", lastUsed: at(9), blobs: []cachenode.BlobID{"new"}},
		{name: "old", lastUsed: at(2), blobs: []cachenode.BlobID{"old"}},
		{name: "junk", garbage: true, blobs: []cachenode.BlobID{"junk"}},
	}
	blobs := map[cachenode.BlobID]blobUse{}
	for _, c := range all {
		blobs[c.blobs[0]] = blobUse{bytes: 10, refs: 1}
	}
	for bytes, want := range map[int64][]string{1: {"junk"}, 11: {"junk", "old"}, 21: {"junk", "old", "new"}, 40: {"junk", "old", "new", "hot"}} {
		victims, enough := pickVictims(all, blobs, need{bytes: bytes})
		var got []string
		for _, v := range victims {
			got = append(got, v.name)
		}
		if !enough || !slices.Equal(got, want) {
			t.Errorf("for %d bytes: %v, want %v", bytes, got, want)
		}
	}
}
