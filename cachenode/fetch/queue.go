// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"container/heap"

	"github.com/hoist-dev/hoist/cachenode"
)

// rank is a chunk's place in the queue: higher priority first, then the file that
// arrived first, then the lower offset.
type rank struct {
	priority cachenode.Priority
	arrival  uint64 // of the flight
	index    int    // of the chunk
}

// compare is negative if r goes before o.
func (r rank) compare(o rank) int {
	return cmp.Or(cmp.Compare(o.priority, r.priority), cmp.Compare(r.arrival, o.arrival), cmp.Compare(r.index, o.index))
}

// queue holds the chunks that wait for a connection. The zero value is empty. It
// is not safe for concurrent use.
type queue struct{ heap ranked }

func (q *queue) len() int { return len(q.heap) }

func (q *queue) push(c *chunk) { heap.Push(&q.heap, c) }

// pop takes the chunk that goes first; the queue must not be empty.
func (q *queue) pop() *chunk { return heap.Pop(&q.heap).(*chunk) } //nolint:errcheck,forcetypeassert // it holds nothing else

// reorder restores the order after ranks have changed.
func (q *queue) reorder() { heap.Init(&q.heap) }

// drop removes the chunks of f.
func (q *queue) drop(f *flight) {
	kept := q.heap[:0]
	for _, c := range q.heap {
		if c.flight != f {
			kept = append(kept, c)
		}
	}
	clear(q.heap[len(kept):])
	q.heap = kept
	q.reorder()
}

// depth counts the chunks by priority.
func (q *queue) depth() (d [cachenode.Priorities]int) {
	for _, c := range q.heap {
		d[c.rank().priority]++
	}
	return d
}

// ranked implements heap.Interface.
type ranked []*chunk

func (h ranked) Len() int           { return len(h) }
func (h ranked) Less(i, j int) bool { return h[i].rank().compare(h[j].rank()) < 0 }
func (h ranked) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ranked) Push(c any)        { *h = append(*h, c.(*chunk)) } //nolint:errcheck,forcetypeassert // called by queue alone
func (h *ranked) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return c
}
