// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"math"
	"math/rand/v2"
	"time"
)

// Monday is when synthetic traces begin.
var Monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// Rate is the mean arrival rate, in requests/s, at a time since the begin.
type Rate func(at time.Duration) float64

// Arrivals makes synthetic requests of a rate: a Poisson process, second by second. Tokens are not made up: they are 0.
func Arrivals(seed uint64, length time.Duration, rate Rate) []Request {
	rng := rand.New(rand.NewPCG(seed, 1))
	var requests []Request
	gap := rng.ExpFloat64() // until the next arrival, in mean arrivals
	for at := time.Duration(0); at < length; at += time.Second {
		mean, used := rate(at), 0.0
		for gap <= mean-used {
			used += gap
			requests = append(requests, Request{At: at + time.Duration(used/mean*float64(time.Second))})
			gap = rng.ExpFloat64()
		}
		gap -= mean - used
	}
	return requests
}

// Seasons is a synthetic rate with the seasons of an office's day and week, and of scheduled jobs: on weekdays on the hour from
// 8 to 18, and every night at 2. Each job starts up to 45 s early or late, and its size and each day's level vary by a fifth or so.
func Seasons(seed uint64) Rate {
	return func(at time.Duration) float64 {
		day := int(at / (24 * time.Hour))
		hour := (at % (24 * time.Hour)).Hours()
		fromNoon := (hour - 13.5) / 4
		office := math.Exp(-fromNoon * fromNoon)
		working := day%7 < 5
		if !working {
			office *= 0.35
		}
		rate := (0.6 + 3*office) * vary(seed, uint64(day), 0.12)
		for _, begin := range []int{int(hour), int(hour) + 1} { // the next one may be early
			if job := uint64(day*25 + begin); begin == 2 || working && begin >= 8 && begin <= 18 {
				late := (uniform(seed+1, job) - 0.5) * 90 / 3600
				if since := hour - float64(begin) - late; since >= 0 && since < 10.0/60 {
					rate += 5 * vary(seed+2, job, 0.2)
				}
			}
		}
		return rate
	}
}

// Calm is the rate between Bursts, in requests/s.
const Calm = 1.0

// Bursts is a synthetic rate that nobody can forecast: calm, with bursts of 3 to 15 minutes and three to ten times as much, at
// random times, some five a day.
func Bursts(seed uint64, length time.Duration) Rate {
	rng := rand.New(rand.NewPCG(seed, 2))
	extra := make([]float64, int(length/time.Second)+1)
	for at := rng.ExpFloat64() * 86400 / 5; int(at) < len(extra); at += rng.ExpFloat64() * 86400 / 5 {
		size, lasts := 2+7*rng.Float64(), 180+720*rng.Float64()
		for s := int(at); s < min(len(extra), int(at+lasts)); s++ {
			extra[s] += size
		}
	}
	return func(at time.Duration) float64 { return Calm + extra[int(at/time.Second)] }
}

// Both is the sum of two rates.
func Both(a, b Rate) Rate { return func(at time.Duration) float64 { return a(at) + b(at) } }

// vary is a log-normal factor of median 1, the same for the same seed and key.
func vary(seed, key uint64, sigma float64) float64 {
	return math.Exp(sigma * rand.New(rand.NewPCG(seed, key)).NormFloat64())
}

func uniform(seed, key uint64) float64 { return rand.New(rand.NewPCG(seed, key)).Float64() }
