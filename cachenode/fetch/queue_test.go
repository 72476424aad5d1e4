// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

// Whatever is pushed, raised and dropped, chunks come out by rank, each once.
func TestQueue_PopsByRank(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var flights []*flight
		var waiting []*chunk
		next := func() *chunk {
			return slices.MinFunc(waiting, func(a, b *chunk) int { return a.rank().compare(b.rank()) })
		}
		remove := func(gone func(*chunk) bool) { waiting = slices.DeleteFunc(waiting, gone) }
		t.Repeat(map[string]func(*rapid.T){
			"flight": func(t *rapid.T) {
				f := &flight{arrival: uint64(len(flights)), priority: priorities.Draw(t, "priority")}
				f.chunks = make([]chunk, rapid.IntRange(1, 5).Draw(t, "chunks"))
				flights = append(flights, f)
				for i := range f.chunks {
					c := &f.chunks[i]
					c.flight, c.index = f, i
					q.push(c)
					waiting = append(waiting, c)
				}
			},
			"raise": func(t *rapid.T) {
				if len(flights) > 0 {
					rapid.SampledFrom(flights).Draw(t, "flight").priority = priorities.Draw(t, "priority")
					q.reorder()
				}
			},
			"await": func(t *rapid.T) {
				if len(waiting) > 0 {
					rapid.SampledFrom(waiting).Draw(t, "chunk").urgent = true
					q.reorder()
				}
			},
			"drop": func(t *rapid.T) {
				if len(flights) > 0 {
					f := rapid.SampledFrom(flights).Draw(t, "flight")
					q.drop(f)
					remove(func(c *chunk) bool { return c.flight == f })
				}
			},
			"pop": func(t *rapid.T) {
				if q.len() == 0 {
					t.Skip("empty")
				}
				want := next()
				if got := q.pop(); got != want {
					t.Fatalf("popped %+v, want %+v", got.rank(), want.rank())
				}
				remove(func(c *chunk) bool { return c == want })
			},
			"": func(t *rapid.T) {
				total := 0
				for _, n := range q.depth() {
					total += n
				}
				if total != len(waiting) || q.len() != len(waiting) {
					t.Fatalf("%d chunks, depth %v, want %d", q.len(), q.depth(), len(waiting))
				}
			},
		})
	})
}

var priorities = rapid.Map(rapid.IntRange(0, cachenode.Priorities-1), func(i int) cachenode.Priority { return cachenode.Priority(i) })
