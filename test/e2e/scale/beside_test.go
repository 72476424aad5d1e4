// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/sim"
)

// measured is what the cluster came to, in the simulation's terms.
func measured(requests []*request, g *gateway) sim.Result {
	waits, late := make([]time.Duration, len(requests)), 0
	for i, r := range requests {
		if waits[i] = r.began - r.at; waits[i] > sim.Slow {
			late++
		}
	}
	slices.Sort(waits)
	at := func(q float64) time.Duration { return waits[int(q*float64(len(waits)-1))] }
	result := sim.Result{Requests: len(waits), Slow: float64(late) / float64(len(waits)), P50: at(0.5), P95: at(0.95), P99: at(0.99)}
	for i, p := range g.present {
		from, to := p.at, lasts
		if i == 0 {
			from = 0 // it was there before, and the watch says so first
		}
		if i+1 < len(g.present) {
			to = min(g.present[i+1].at, lasts)
		}
		if from < lasts {
			result.Replicas = append(result.Replicas, sim.Point{At: from, N: p.n})
			result.GPUHours += (to - from).Hours() * float64(p.n)
		}
	}
	return result
}

// beside is a table of both.
func beside(cluster, simulated sim.Result) string {
	var text strings.Builder
	row := func(name, format string, a, b float64) {
		fmt.Fprintf(&text, "| %s | "+format+" | "+format+" | %+.1f |\n", name, a, b, b-a)
	}
	text.WriteString("| | cluster | simulation | difference |\n|---|---:|---:|---:|\n")
	row("waited > 10 s, %", "%.1f", 100*cluster.Slow, 100*simulated.Slow)
	row("wait p50, s", "%.1f", cluster.P50.Seconds(), simulated.P50.Seconds())
	row("wait p95, s", "%.1f", cluster.P95.Seconds(), simulated.P95.Seconds())
	row("wait p99, s", "%.1f", cluster.P99.Seconds(), simulated.P99.Seconds())
	row("replica seconds", "%.0f", 3600*cluster.GPUHours, 3600*simulated.GPUHours)
	for at := time.Duration(0); at < lasts; at += 15 * time.Second {
		row(fmt.Sprintf("replicas at %v", at), "%.0f", replicas(cluster, at), replicas(simulated, at))
	}
	return text.String()
}

func replicas(r sim.Result, at time.Duration) float64 {
	n := 0
	for _, p := range r.Replicas {
		if p.At <= at {
			n = p.N
		}
	}
	return float64(n)
}

func rounded(all []time.Duration) (short []time.Duration) {
	for _, d := range all {
		short = append(short, d.Round(100*time.Millisecond))
	}
	return short
}
