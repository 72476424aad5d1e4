// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/sim"
	"github.com/hoist-dev/hoist/bench/scale/trace"
)

// load is a trace and the service that it meets.
type load struct {
	name     string
	about    string
	short    string // in file names
	seasonal bool
	slots    int
	from     time.Duration // results count from here
	until    time.Duration
	max      int
	toZero   bool
	arrivals []sim.Arrival
	season   trace.Rate // what of the rate comes again; nil if that is not known
}

const (
	fortnight   = 14 * 24 * time.Hour
	week        = fortnight / 2
	meanService = 20 * time.Second
)

// synthetic are the loads that are made up. Their second week counts, the first is history.
func synthetic(seed uint64) []load {
	seasons, bursts := trace.Seasons(seed), trace.Bursts(seed+1, fortnight)
	calm := func(time.Duration) float64 { return trace.Calm }
	return []load{
		fortnightOf(seed, "Synthetic fortnight with seasons", "seasons", true, seasons, seasons,
			"days, a week, and jobs on the hour that start up to 45 s early or late, each of another size"),
		fortnightOf(seed, "Synthetic fortnight with seasons and bursts", "mixed", true, trace.Both(seasons, trace.Bursts(seed+2, fortnight)),
			trace.Both(seasons, calm), "the same, and some five bursts a day that nobody can forecast"),
		fortnightOf(seed, "Synthetic fortnight of bursts", "bursts", false, bursts, calm, "no seasons: bursts at random times alone"),
	}
}

func fortnightOf(seed uint64, name, short string, seasonal bool, rate, season trace.Rate, about string) load {
	requests := trace.Arrivals(seed, fortnight, rate)
	rng := rand.New(rand.NewPCG(seed, 3))
	l := load{
		name: name, short: short, seasonal: seasonal, slots: 16, from: week, until: fortnight, max: 40, season: season,
		about: about + "; exponential service with a mean of 20 s",
	}
	for _, r := range requests {
		l.arrivals = append(l.arrivals, sim.Arrival{At: r.At, Service: time.Duration(rng.ExpFloat64() * float64(meanService))})
	}
	return l
}

// recorded are the traces of a folder, in the order of their names. None is no error.
func recorded(dir string) ([]load, error) {
	var loads []load
	for _, pattern := range []string{"*.csv", "*.jsonl"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			l, err := record(path)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			loads = append(loads, l)
		}
	}
	return loads, nil
}

// record reads a trace. Service takes 0.5 ms a token of the prompt and 50 ms a generated one: a large model with 4 slots, so that an
// hour of one service needs more than one replica.
func record(path string) (load, error) {
	file, err := os.Open(path)
	if err != nil {
		return load{}, err
	}
	defer file.Close()
	requests, err := trace.Read(file)
	if err != nil {
		return load{}, err
	}
	name := filepath.Base(path)
	l := load{name: "Recorded: " + name, slots: 4, max: 40, about: "service of 0.5 ms a prompt token and 50 ms a generated one"}
	l.short = name[:len(name)-len(filepath.Ext(name))]
	for r, err := range requests {
		if err != nil {
			return load{}, err
		}
		service := time.Duration(r.Input)*time.Millisecond/2 + time.Duration(r.Output)*50*time.Millisecond
		l.arrivals = append(l.arrivals, sim.Arrival{At: r.At, Service: service})
	}
	if len(l.arrivals) == 0 {
		return load{}, errors.New("no requests")
	}
	slices.SortStableFunc(l.arrivals, func(a, b sim.Arrival) int { return int(min(1, max(-1, a.At-b.At))) })
	l.start()
	return l, nil
}

// start moves a trace's begin to its first request's hour, and lets a week be history if there is more.
func (l *load) start() {
	begin := l.arrivals[0].At.Truncate(time.Hour)
	for i := range l.arrivals {
		l.arrivals[i].At -= begin
	}
	l.from = l.arrivals[0].At
	l.until = l.arrivals[len(l.arrivals)-1].At + 5*time.Minute
	if l.until > week+24*time.Hour {
		l.from = week
	}
}

// counted is how many arrived in each minute.
func (l *load) counted() []float64 {
	counts := make([]float64, int(l.until/time.Minute)+1)
	for _, a := range l.arrivals {
		if a.At < l.until {
			counts[int(a.At/time.Minute)]++
		}
	}
	return counts
}

// service is the mean service time of what arrived before some time, or of all if that is little.
func (l *load) service() time.Duration {
	sum, n := 0.0, 0
	for _, a := range l.arrivals {
		if n > 1000 && a.At >= l.from {
			break
		}
		sum += a.Service.Seconds()
		n++
	}
	return time.Duration(sum / float64(n) * float64(time.Second))
}
