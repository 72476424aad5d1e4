// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package sim

import "time"

// queue is first in, first out.
type queue struct {
	items []Arrival
	head  int
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(a Arrival) { q.items = append(q.items, a) }

func (q *queue) pop() Arrival {
	a := q.items[q.head]
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return a
}

// end is when a request gives its slot back.
type end struct {
	end     time.Duration
	replica *replica
}

// ends is a binary heap, soonest first. container/heap would box each of millions.
type ends []end

func (h *ends) push(e end) {
	*h = append(*h, e)
	heap := *h
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if heap[parent].end <= heap[i].end {
			return
		}
		heap[parent], heap[i] = heap[i], heap[parent]
		i = parent
	}
}

func (h *ends) pop() end {
	heap := *h
	top, last := heap[0], len(heap)-1
	heap[0] = heap[last]
	heap = heap[:last]
	*h = heap
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return top
		}
		if child+1 < last && heap[child+1].end < heap[child].end {
			child++
		}
		if heap[i].end <= heap[child].end {
			return top
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}
