// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package desired says how many replicas a workload needs, and why. It is a pure function on values, Replicas.
//
// A forecast only raises: the answer is the larger of what is needed now and what is forecast, within the bounds. A forecast that is
// stale, not a number, infinite or negative counts as none. Being blind is not zero: when nothing is known of the demand, the
// replicas stay as they are.
package desired

import (
	"fmt"
	"math"
	"time"
)

const (
	// DefaultUtilization is the share of a replica's slots that is planned to be busy.
	DefaultUtilization = 0.7
	// ForecastMaxAge is how old a forecast may be.
	ForecastMaxAge = 300 * time.Second
)

// Input is all that a decision depends on. Demands that are not known are NaN.
type Input struct {
	InFlight float64 // requests running and waiting
	Rate     float64 // arrivals, requests/s

	ServiceTime time.Duration // mean time a request takes once it runs
	Concurrency int           // requests that a replica runs at once, measured
	Utilization float64       // planned share of them, in (0, 1]; what is not is DefaultUtilization

	Forecast    float64       // a quantile of the rate until a new replica answers, requests/s
	ForecastAge time.Duration // since it was made

	Current  int // replicas wanted now
	Min, Max int // the policy's
	Floor    int // at this hour; 0 is none
	Quota    int // replicas that quota, or GPUs, leave room for; negative is unknown
}

// Decision is how many replicas there shall be.
type Decision struct {
	Replicas int
	Reactive int      // what is needed now, before any bound
	Forecast int      // what the forecast asks for, before any bound; 0 if it does not count
	Reasons  []string // for people, in the order in which they mattered
}

// Replicas decides. The answer is within [0, Max], and within Quota if that is known; a negative Max is 0.
// Where Min or Floor are above Max or Quota, the upper bound holds.
func Replicas(in Input) Decision {
	var d Decision
	d.reactive(in)
	d.forecast(in)
	d.bound(in)
	return d
}

func (d *Decision) reactive(in Input) {
	slots := in.slots()
	switch {
	case in.Concurrency <= 0:
		d.Reactive = max(0, in.Current)
		d.because("how many requests a replica runs at once is not known: stays at %d", d.Reactive)
	case measured(in.InFlight):
		d.Reactive = count(in.InFlight / slots)
		d.because("%.4g requests in flight, %.4g a replica: %d", in.InFlight, slots, d.Reactive)
	case measured(in.Rate) && in.ServiceTime > 0: // Little's law
		d.Reactive = count(in.Rate * in.ServiceTime.Seconds() / slots)
		d.because("%.4g requests/s that take %s, %.4g a replica: %d", in.Rate, in.ServiceTime, slots, d.Reactive)
	default:
		d.Reactive = max(0, in.Current)
		d.because("the demand is not known: stays at %d", d.Reactive)
	}
}

func (d *Decision) forecast(in Input) {
	switch {
	case !measured(in.Forecast) || in.Forecast == 0 || in.ServiceTime <= 0 || in.Concurrency <= 0:
		return
	case in.ForecastAge > ForecastMaxAge || in.ForecastAge < -ForecastMaxAge:
		d.because("the forecast is %s old and does not count", in.ForecastAge.Round(time.Second))
		return
	}
	d.Forecast = count(in.Forecast * in.ServiceTime.Seconds() / in.slots())
	if d.Forecast > d.Reactive {
		d.because("forecast: up to %.4g requests/s before a new replica would answer: %d", in.Forecast, d.Forecast)
	}
}

func (d *Decision) bound(in Input) {
	d.Replicas = max(d.Reactive, d.Forecast)
	d.atLeast(in.Min, "minimum")
	d.atLeast(in.Floor, "floor at this hour")
	d.atMost(in.Max, "maximum")
	if in.Quota >= 0 {
		d.atMost(in.Quota, "room in the quota")
	}
}

func (d *Decision) atLeast(n int, what string) {
	if n > d.Replicas {
		d.Replicas = n
		d.because("%s: %d", what, n)
	}
}

func (d *Decision) atMost(n int, what string) {
	if n = max(0, n); n < d.Replicas {
		d.Replicas = n
		d.because("%s: %d", what, n)
	}
}

func (d *Decision) because(format string, args ...any) {
	d.Reasons = append(d.Reasons, fmt.Sprintf(format, args...))
}

// slots is how many requests a replica is planned to have in flight.
func (in Input) slots() float64 {
	utilization := in.Utilization
	if !(utilization > 0 && utilization <= 1) {
		utilization = DefaultUtilization
	}
	return float64(in.Concurrency) * utilization
}

func measured(v float64) bool { return v >= 0 && !math.IsInf(v, 1) } // false for NaN

// count rounds up, without the rounding errors of a quotient, and stops at what an int32 of the API holds.
func count(v float64) int { return int(min(math.MaxInt32, math.Ceil(v-1e-9))) }
