// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package policy holds the autoscaling policies that are replayed side by side: how Kubernetes' HPA, KEDA and Knative decide, after
// their sources, with the signals that manifests give them.
package policy

import (
	"math"
	"slices"
	"time"
)

// Rule limits how fast replicas change: by Pods or by Percent of them, the larger, within Period. Zero is no such rule.
type Rule struct {
	Pods    float64
	Percent float64
	Period  time.Duration
}

// Behavior is that of an autoscaling/v2 HPA. No rule is no limit.
type Behavior struct {
	UpWindow, DownWindow       time.Duration // stabilization
	Up, Down                   Rule
	UpTolerance, DownTolerance float64
}

// DefaultBehavior is what an HPA without behavior has.
func DefaultBehavior() Behavior {
	return Behavior{
		DownWindow:  300 * time.Second,
		Up:          Rule{Pods: 4, Percent: 100, Period: 15 * time.Second},
		Down:        Rule{Percent: 100, Period: 15 * time.Second},
		UpTolerance: 0.1, DownTolerance: 0.1,
	}
}

// HPA is the state of a HorizontalPodAutoscaler (kubernetes pkg/controller/podautoscaler/{horizontal,replica_calculator}.go).
type HPA struct {
	Behavior
	advice  []advice
	changes []change
}

type advice struct {
	at time.Duration
	n  int
}

type change struct {
	at    time.Duration
	delta int
}

// AverageValue is the replica calculator's answer to an external metric of that type: value/target, rounded up, unless that is within
// the tolerance of the current replicas.
func (h *HPA) AverageValue(value, target float64, current int) int {
	ratio := value / (target * float64(current))
	if ratio > 1 && ratio-1 <= h.UpTolerance || ratio <= 1 && 1-ratio <= h.DownTolerance {
		return current
	}
	return int(math.Ceil(value/target - 1e-9))
}

// Scale turns the highest of the metrics' answers into replicas: stabilized, then limited.
func (h *HPA) Scale(now time.Duration, current, proposed int) int {
	want := h.limit(now, current, h.stabilize(now, current, proposed))
	if want != current {
		h.changes = append(h.changes, change{now, want - current})
	}
	return want
}

// stabilize takes the lowest advice of the window for up, the highest for down.
func (h *HPA) stabilize(now time.Duration, current, proposed int) int {
	up, down := proposed, proposed
	h.advice = slices.DeleteFunc(h.advice, func(a advice) bool { return now-a.at >= max(h.UpWindow, h.DownWindow) })
	for _, a := range h.advice {
		if age := now - a.at; age < h.UpWindow {
			up = min(up, a.n)
		}
		if age := now - a.at; age < h.DownWindow {
			down = max(down, a.n)
		}
	}
	h.advice = append(h.advice, advice{now, proposed})
	return min(max(current, up), down)
}

func (h *HPA) limit(now time.Duration, current, want int) int {
	switch {
	case want > current && h.Up.Period > 0:
		begin := float64(current - h.changed(now, h.Up.Period))
		return min(want, max(current, int(max(begin+h.Up.Pods, math.Ceil(begin*(1+h.Up.Percent/100))))))
	case want < current && h.Down.Period > 0:
		begin := float64(current - h.changed(now, h.Down.Period))
		return max(want, min(current, int(min(begin-h.Down.Pods, begin*(1-h.Down.Percent/100)))))
	}
	return want
}

// changed is by how many the replicas rose within the last period, net.
func (h *HPA) changed(now, period time.Duration) int {
	net := 0
	for _, c := range h.changes {
		if now-c.at < period {
			net += c.delta
		}
	}
	for len(h.changes) > 0 && now-h.changes[0].at >= max(h.Up.Period, h.Down.Period) {
		h.changes = h.changes[1:]
	}
	return net
}
