// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"time"
)

// Slow is the wait from which on a request counts as a violation.
const Slow = 10 * time.Second

// Result is what a run came to, from Config.From on.
type Result struct {
	Requests      int     // that arrived
	Served        int     // of them, that got a slot
	Queued        int     // of them, that still waited at the end
	Slow          float64 // share that waited longer than Slow; who still waits has waited until the end
	P50, P95, P99 time.Duration
	GPUHours      float64 // replica hours, from wanted to gone
	Changes       int     // of the number of replicas
	Replicas      []Point // the number of replicas over time
}

// Point is a number of replicas from a time on.
type Point struct {
	At time.Duration
	N  int
}

// recorder keeps what a Result is made of.
type recorder struct {
	from    time.Duration
	waits   []float32 // seconds
	late    int
	seconds float64
	res     Result
}

func (r *recorder) served(arrived, waited time.Duration) {
	if r.count(arrived, waited) {
		r.res.Served++
	}
}

func (r *recorder) queued(arrived, waited time.Duration) {
	if r.count(arrived, waited) {
		r.res.Queued++
	}
}

func (r *recorder) count(arrived, waited time.Duration) bool {
	if arrived < r.from {
		return false
	}
	r.waits = append(r.waits, float32(waited.Seconds()))
	if waited > Slow {
		r.late++
	}
	return true
}

func (r *recorder) replicas(at, took time.Duration, n int) {
	if at < r.from {
		return
	}
	r.seconds += took.Seconds() * float64(n)
	if last := len(r.res.Replicas); last == 0 || r.res.Replicas[last-1].N != n {
		r.res.Replicas = append(r.res.Replicas, Point{at, n})
	}
}

func (r *recorder) changed(at time.Duration) {
	if at >= r.from {
		r.res.Changes++
	}
}

func (r *recorder) result() Result {
	res := r.res
	res.Requests = len(r.waits)
	res.GPUHours = r.seconds / 3600
	if res.Requests == 0 {
		return res
	}
	res.Slow = float64(r.late) / float64(res.Requests)
	slices.Sort(r.waits)
	at := func(q float64) time.Duration {
		return time.Duration(float64(r.waits[int(q*float64(res.Requests-1))]) * float64(time.Second))
	}
	res.P50, res.P95, res.P99 = at(0.5), at(0.95), at(0.99)
	return res
}
