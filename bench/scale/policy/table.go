// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/sim"
)

// Setting is what the policies may know of a service.
type Setting struct {
	Slots    int
	Cold     time.Duration // start of a replica
	MeanLoad float64       // requests in flight, over the time that counts
	ToZero   bool

	Forecast, Naive, Season, Oracle Gauge // empty is not known
}

// Named is a policy of the comparison.
type Named struct {
	Name string
	New  func(Setting) sim.Policy
}

// The names that results are compared by.
const (
	Article      = "article, real metric"
	Slow         = "in-flight, 1 pod in 120 s down"
	InFlightKEDA = "in-flight, KEDA"
	Reactive     = "Hoist, reactive"
	Forecast     = "Hoist, forecast"
	Season       = "knows the season"
	Oracle       = "oracle"
)

// All are the policies, side by side.
func All() []Named {
	return []Named{
		{"fixed", func(s Setting) sim.Policy { return Fixed(math.Ceil(s.MeanLoad / s.target())) }},
		{"article, as printed", func(s Setting) sim.Policy { return keda(s, DefaultBehavior(), Trigger{missing, 5}) }},
		{Article, func(s Setting) sim.Policy { return keda(s, DefaultBehavior(), Trigger{queuePerPod, 5}) }},
		{"sum of queue / 5", func(s Setting) sim.Policy { return keda(s, DefaultBehavior(), Trigger{queue, 5}) }},
		{InFlightKEDA, func(s Setting) sim.Policy { return keda(s, DefaultBehavior(), s.inFlight()) }},
		{"Knative KPA", func(s Setting) sim.Policy { return &Knative{Target: s.target()} }},
		{Slow, func(s Setting) sim.Policy { return keda(s, slow(), s.inFlight()) }},
		{"seasonal naive", func(s Setting) sim.Policy { return keda(s, s.hoist(), s.inFlight(), s.gauge(s.Naive)) }},
		{Reactive, func(s Setting) sim.Policy { return keda(s, s.hoist(), s.inFlight()) }},
		{Forecast, func(s Setting) sim.Policy { return keda(s, s.hoist(), s.inFlight(), s.gauge(s.Forecast)) }},
		{Season, func(s Setting) sim.Policy { return keda(s, s.hoist(), s.inFlight(), s.gauge(s.Season)) }},
		{Oracle, func(s Setting) sim.Policy { return keda(s, s.hoist(), s.inFlight(), s.gauge(s.Oracle)) }},
	}
}

// hoist is the behavior of the ScaledObjects that a ScalePolicy becomes: as an HPA has by itself, but down by halves, a minute
// apart, and not within a cold start, so that a lull does not undo a burst.
func (s Setting) hoist() Behavior {
	b := DefaultBehavior()
	b.DownWindow = max(b.DownWindow, s.Cold)
	b.Down = Rule{Percent: 50, Period: 60 * time.Second}
	return b
}

// slow is the behavior that was designed first: steadier, and dear.
func slow() Behavior {
	b := DefaultBehavior()
	b.DownWindow = 600 * time.Second
	b.Down = Rule{Pods: 1, Period: 120 * time.Second}
	return b
}

func keda(s Setting, b Behavior, triggers ...Trigger) *KEDA {
	return &KEDA{HPA: HPA{Behavior: b}, Triggers: triggers, ToZero: s.ToZero}
}

// Utilization is the share of a replica's slots that is aimed at, as a ScalePolicy does.
const Utilization = 0.7

func (s Setting) target() float64 { return Utilization * float64(s.Slots) }

func (s Setting) inFlight() Trigger { return Trigger{inFlight, s.target()} }

func (s Setting) gauge(g Gauge) Trigger { return Trigger{g.value, s.target()} }

// Fixed is a number of replicas.
type Fixed int

// Every is as rarely as can be.
func (Fixed) Every() time.Duration { return time.Hour }

// Desired is that number.
func (f Fixed) Desired(sim.Metrics) int { return int(f) }
