// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/bench/scale/sim"
)

type constant int

func (constant) Every() time.Duration      { return time.Minute }
func (c constant) Desired(sim.Metrics) int { return int(c) }

// wobble wants another number at every question.
type wobble struct{ rng *rand.Rand }

func (wobble) Every() time.Duration      { return 15 * time.Second }
func (w wobble) Desired(sim.Metrics) int { return w.rng.IntN(8) }

func poisson(seed uint64, n int, rate float64, service time.Duration) []sim.Arrival {
	rng := rand.New(rand.NewPCG(seed, 1))
	arrivals, at := make([]sim.Arrival, n), 0.0
	for i := range arrivals {
		at += rng.ExpFloat64() / rate
		arrivals[i] = sim.Arrival{
			At:      time.Duration(at * float64(time.Second)),
			Service: time.Duration(rng.ExpFloat64() * float64(service)),
		}
	}
	return arrivals
}

// erlangC is the share of requests that wait in an M/M/c queue, if that many are busy on average.
func erlangC(servers int, load float64) float64 {
	blocked := 1.0 // Erlang B, by its recurrence
	for n := 1; n <= servers; n++ {
		blocked = load * blocked / (float64(n) + load*blocked)
	}
	used := load / float64(servers)
	return blocked / (1 - used*(1-blocked))
}

func TestRun_AgreesWithErlangC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		replicas, slots int
		load            float64
		service         time.Duration
	}{{1, 1, 0.7, 10 * time.Second}, {2, 4, 6.8, 10 * time.Second}, {4, 8, 29, 100 * time.Second}} {
		const seeds, n = 6, 400_000
		slow := 0.0
		for seed := range uint64(seeds) { // busy queues remember long: one run is not enough
			arrivals := poisson(seed, n, c.load/c.service.Seconds(), c.service)
			config := sim.Config{Slots: c.slots, Start: c.replicas, Max: 99, Until: arrivals[n-1].At}
			slow += sim.Run(config, arrivals, constant(c.replicas)).Slow / seeds
		}
		// The share that waits longer than Slow is the share that waits at all, times exp(-(servers-load)*Slow/service).
		servers := c.replicas * c.slots
		waits := erlangC(servers, c.load)
		want := waits * math.Exp(-(float64(servers)-c.load)*sim.Slow.Seconds()/c.service.Seconds())
		t.Logf("%d servers: %.4f slow, theory %.4f", servers, slow, want)
		if math.Abs(slow-want) > 0.05*want {
			t.Errorf("%d servers, load %v: %.4f wait longer than 10 s, in theory %.4f", servers, c.load, slow, want)
		}
	}
}

func TestRun_LosesNoRequest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		arrivals := poisson(seed, 3000, rapid.Float64Range(0.1, 20).Draw(t, "rate"), 15*time.Second)
		c := sim.Config{
			Slots: rapid.IntRange(1, 8).Draw(t, "slots"), ColdStart: time.Duration(rapid.IntRange(0, 300).Draw(t, "cold")) * time.Second,
			Start: 1, Max: 8, Until: arrivals[len(arrivals)-1].At + time.Second,
		}
		res := sim.Run(c, arrivals, wobble{rand.New(rand.NewPCG(seed, 2))})
		if res.Requests != len(arrivals) || res.Served+res.Queued != res.Requests {
			t.Fatalf("%d arrived, %d counted, %d served and %d queued", len(arrivals), res.Requests, res.Served, res.Queued)
		}
	})
}

func TestRun_IsDeterministic(t *testing.T) {
	t.Parallel()
	run := func() sim.Result {
		arrivals := poisson(4, 20_000, 3, 15*time.Second)
		c := sim.Config{Slots: 8, ColdStart: time.Minute, Start: 1, Max: 9, Until: arrivals[len(arrivals)-1].At}
		return sim.Run(c, arrivals, wobble{rand.New(rand.NewPCG(1, 2))})
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Error(diff)
	}
}

// A replica costs from when it is wanted, and until its last request is done.
func TestRun_CostsFromWantedToDrained(t *testing.T) {
	t.Parallel()
	arrivals := []sim.Arrival{{At: time.Second, Service: 30 * time.Minute}}
	c := sim.Config{Slots: 1, Start: 1, Max: 1, Until: time.Hour}
	res := sim.Run(c, arrivals, constant(0)) // scaled away after 7.5 s
	if want := (1801 * time.Second).Hours(); math.Abs(res.GPUHours-want) > 1e-6 || res.Served != 1 {
		t.Errorf("%.4f GPU hours and %d served, want %.4f and 1", res.GPUHours, res.Served, want)
	}
	c = sim.Config{Slots: 1, ColdStart: 10 * time.Minute, Start: 0, Max: 1, Until: time.Hour}
	res = sim.Run(c, arrivals, constant(1)) // wanted after 7.5 s
	if wait := res.P50.Seconds(); math.Abs(wait-606.5) > 0.1 {
		t.Errorf("waited %.1f s for the cold start, want 606.5", wait)
	}
}

// seen keeps the ages of what a policy is shown.
type seen struct{ oldest *time.Duration }

func (seen) Every() time.Duration { return 100 * time.Millisecond }
func (s seen) Desired(m sim.Metrics) int {
	if arrived := time.Duration(m.Arrived-1) * time.Second; m.Now-arrived > *s.oldest { // one comes each second
		*s.oldest = m.Now - arrived
	}
	return 1
}

func TestRun_ScrapesAsOftenAsIsSaid(t *testing.T) {
	t.Parallel()
	var arrivals []sim.Arrival
	for i := range 100 {
		arrivals = append(arrivals, sim.Arrival{At: time.Duration(i) * time.Second})
	}
	for _, c := range []struct{ said, least, most time.Duration }{{0, 14 * time.Second, 15 * time.Second}, {2 * time.Second, time.Second, 2 * time.Second}} {
		var oldest time.Duration
		sim.Run(sim.Config{Slots: 1, Start: 1, Min: 1, Max: 1, Until: 100 * time.Second, Scrape: c.said}, arrivals, seen{&oldest})
		if oldest < c.least || oldest > c.most {
			t.Errorf("scraped every %s, what is seen is up to %s old, want %s to %s", c.said, oldest, c.least, c.most)
		}
	}
}
