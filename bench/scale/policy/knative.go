// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/sim"
)

const (
	knativeTick   = 2 * time.Second
	stableWindow  = 60 * time.Second
	panicWindow   = 6 * time.Second
	panicAt       = 2.0    // times what the ready pods are for
	maxUpRate     = 1000.0 // of the ready pods
	maxDownRate   = 2.0
	ticksOfStable = int(stableWindow / knativeTick)
	ticksOfPanic  = int(panicWindow / knativeTick)
)

// Knative is the KPA (knative.dev/serving pkg/autoscaler/scaling/autoscaler.go): the mean concurrency of the last 60 s over the target; and
// in panic, when that of the last 6 s wants twice what is ready, the 6 s' mean and never down, until 60 s after the last such moment.
type Knative struct {
	Target float64 // requests a pod

	integrals  []float64 // of concurrency, one a tick
	panicSince time.Duration
	panicking  bool
	panicPods  int
}

// Every is the autoscaler's tick.
func (*Knative) Every() time.Duration { return knativeTick }

// Desired is the KPA's answer.
func (k *Knative) Desired(m sim.Metrics) int {
	k.integrals = append(k.integrals, m.InFlightSeconds)
	if extra := len(k.integrals) - ticksOfStable - 1; extra > 0 {
		k.integrals = k.integrals[extra:]
	}
	ready := math.Max(1, float64(m.Ready))
	clamp := func(n float64) int {
		return int(min(math.Ceil(maxUpRate*ready), max(math.Floor(ready/maxDownRate), math.Ceil(n))))
	}
	stable := clamp(k.mean(ticksOfStable) / k.Target)
	urgent := clamp(k.mean(ticksOfPanic) / k.Target)

	if over := float64(urgent)/ready >= panicAt; over {
		if !k.panicking {
			k.panicPods = 0
		}
		k.panicking, k.panicSince = true, m.Now
	} else if k.panicking && m.Now-k.panicSince > stableWindow {
		k.panicking = false
	}
	if !k.panicking {
		return stable
	}
	k.panicPods = max(k.panicPods, urgent, stable)
	return k.panicPods
}

// mean is the concurrency over the last ticks.
func (k *Knative) mean(ticks int) float64 {
	last := len(k.integrals) - 1
	from := max(0, last-ticks)
	if from == last {
		return 0
	}
	return (k.integrals[last] - k.integrals[from]) / (float64(last-from) * knativeTick.Seconds())
}
