// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/policy"
	"github.com/hoist-dev/hoist/bench/scale/sim"
)

// coldStarts are those of a service without Hoist, of one whose weights are on the node, and in the node's memory.
var coldStarts = []time.Duration{180 * time.Second, 45 * time.Second, 20 * time.Second}

// row is a policy's result.
type row struct {
	policy string
	sim.Result
}

// outcome is a load under all policies.
type outcome struct {
	load
	rows       map[time.Duration][]row // by cold start
	score      score
	noForecast error
	service    time.Duration
}

func (o *outcome) row(cold time.Duration, name string) row {
	for _, r := range o.rows[cold] {
		if r.policy == name {
			return r
		}
	}
	return row{}
}

// replay runs all policies over a load.
func replay(l load, progress io.Writer) outcome {
	counts, service := l.counted(), l.service()
	o := outcome{load: l, rows: map[time.Duration][]row{}, service: service}
	o.score, o.noForecast = assess(counts, int(l.from/time.Minute))
	busy := 0.0
	for _, a := range l.arrivals {
		if a.At >= l.from && a.At < l.until {
			busy += a.Service.Seconds()
		}
	}
	for _, cold := range coldStarts {
		setting := policy.Setting{
			Slots: l.slots, Cold: cold, MeanLoad: busy / (l.until - l.from).Seconds(), ToZero: l.toZero,
			Naive:  naive(counts, service, lead(cold), 24*time.Hour),
			Oracle: oracle(counts, service, cold),
			Season: seasonal(l.season, len(counts), service, cold),
		}
		setting.Forecast, _ = forecasts(counts, service, lead(cold))
		for _, p := range policy.All() {
			if p.Name == policy.Season && setting.Season == nil {
				continue
			}
			begin := time.Now()
			result := sim.Run(l.config(cold, p.Name, setting), l.recent(), p.New(setting))
			o.rows[cold] = append(o.rows[cold], row{p.Name, result})
			fmt.Fprintf(progress, "%-45s cold start %4s  %-22s %5.1f s\n", l.name, cold, p.Name, time.Since(begin).Seconds())
		}
	}
	return o
}

// settling is replayed before what counts, so that each policy begins in its own stride.
const settling = 6 * time.Hour

func (l *load) config(cold time.Duration, name string, s policy.Setting) sim.Config {
	c := sim.Config{Slots: l.slots, ColdStart: cold, Start: 1, Min: 1, Max: l.max, From: l.from, Until: l.until}
	if fixed, ok := policy.All()[0].New(s).(policy.Fixed); ok && name == "fixed" {
		c.Start = int(fixed)
	}
	if l.toZero {
		c.Min = 0
	}
	return c
}

// recent is what is replayed.
func (l *load) recent() []sim.Arrival {
	for i, a := range l.arrivals {
		if a.At >= l.from-settling {
			return l.arrivals[i:]
		}
	}
	return nil
}
