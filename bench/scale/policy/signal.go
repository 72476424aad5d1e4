// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"time"

	"github.com/hoist-dev/hoist/bench/scale/sim"
)

// missing is a metric that does not exist: KEDA's ignoreNullValues makes it 0.
func missing(sim.Metrics) float64 { return 0 }

// queuePerPod is what a query with a per-pod average gives; pods that are not there export nothing.
func queuePerPod(m sim.Metrics) float64 {
	if m.Ready == 0 {
		return 0
	}
	return float64(m.Waiting) / float64(m.Ready)
}

func queue(m sim.Metrics) float64 {
	if m.Ready == 0 {
		return 0
	}
	return float64(m.Waiting)
}

// inFlight is counted in front of the pods, so that it is there when they are not.
func inFlight(m sim.Metrics) float64 { return float64(m.Running + m.Waiting) }

// Gauge is a published forecast: requests in flight to be ready for, a value a minute, the first at the trace's begin.
type Gauge []float64

// at is what Prometheus has of it: values are scraped, and the one of a minute is published after that minute's begin.
func (g Gauge) at(now time.Duration) float64 {
	i := int((now - sim.ScrapeEvery) / time.Minute)
	if i < 0 || i >= len(g) {
		return 0
	}
	return g[i]
}

func (g Gauge) value(m sim.Metrics) float64 { return g.at(m.Now) }
