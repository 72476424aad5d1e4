// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"math"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/policy"
)

func TestAverageValue_IsTheReplicaCalculators(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value, target float64
		current, want int
	}{
		{160, 22.4, 5, 8},   // ceil(160/22.4), whatever the current
		{160, 22.4, 1, 8},   //
		{100, 22.4, 5, 5},   // within a tenth of 5
		{112, 22.4, 5, 5},   // exact
		{124, 22.4, 5, 6},   // 1.107
		{0, 22.4, 5, 0},     //
		{230, 22.4, 10, 10}, // from ten on, one more is swallowed
	} {
		h := policy.HPA{Behavior: policy.DefaultBehavior()}
		if got := h.AverageValue(c.value, c.target, c.current); got != c.want {
			t.Errorf("%v over %v at %d: %d, want %d", c.value, c.target, c.current, got, c.want)
		}
	}
}

// A per-pod average, divided again by AverageValue, settles nowhere: its fixed point is the square root of queue/target, and it jumps
// around it with period two.
func TestAverageValue_OfAPerPodAverageFollowsASquareRoot(t *testing.T) {
	t.Parallel()
	h := policy.HPA{Behavior: policy.DefaultBehavior()}
	const queue, target = 100.0, 5.0
	n, seen := 10, []int{}
	for range 4 {
		n = h.AverageValue(queue/float64(n), target, n)
		seen = append(seen, n)
	}
	if seen[0] != 2 || seen[1] != 10 || seen[2] != 2 || seen[3] != 10 {
		t.Errorf("from 10: %v, want 2 10 2 10", seen)
	}
	root := int(math.Ceil(math.Sqrt(queue / target)))
	if got := h.AverageValue(queue/float64(root), target, root); got < root-1 || got > root {
		t.Errorf("at the root, %d: %d", root, got)
	}
	if got := h.AverageValue(queue, target, 10); got != 20 {
		t.Errorf("the sum of the queue: %d, want 20", got)
	}
}

func TestScale_LimitsAndStabilizesAsAnHPA(t *testing.T) {
	t.Parallel()
	type step struct {
		at                time.Duration
		current, proposed int
		want              int
	}
	halves := policy.DefaultBehavior()
	halves.Down = policy.Rule{Percent: 50, Period: 60 * time.Second}
	for name, c := range map[string]struct {
		behavior policy.Behavior
		steps    []step
	}{
		"up by four or double": {policy.DefaultBehavior(), []step{
			{0, 1, 100, 5}, {15 * time.Second, 5, 100, 10}, {30 * time.Second, 10, 100, 20},
		}},
		"no second time within a period": {policy.DefaultBehavior(), []step{{0, 1, 100, 5}, {10 * time.Second, 5, 100, 5}}},
		"down after 300 s": {policy.DefaultBehavior(), []step{
			{0, 8, 8, 8}, {15 * time.Second, 8, 1, 8}, {299 * time.Second, 8, 1, 8}, {300 * time.Second, 8, 1, 1},
		}},
		"the highest advice of the window": {policy.DefaultBehavior(), []step{
			{0, 8, 8, 8}, {100 * time.Second, 8, 3, 8}, {310 * time.Second, 8, 1, 3},
		}},
		"down by halves": {halves, []step{
			{0, 8, 1, 4}, {30 * time.Second, 4, 1, 4}, {60 * time.Second, 4, 1, 2}, {120 * time.Second, 2, 1, 1},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := policy.HPA{Behavior: c.behavior}
			for _, s := range c.steps {
				if got := h.Scale(s.at, s.current, s.proposed); got != s.want {
					t.Errorf("after %s, %d with %d proposed: %d, want %d", s.at, s.current, s.proposed, got, s.want)
				}
			}
		})
	}
}
