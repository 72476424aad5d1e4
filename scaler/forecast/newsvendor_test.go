// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"math"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/scaler/forecast"
)

func TestNewsvendor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ miss, idle, want float64 }{
		{4, 1, 0.8}, {9, 1, 0.9}, {1, 1, 0.5}, {1, 9, 0.5}, {1, 0, 0.99}, {1e300, 1e-300, 0.99},
		{0, 0, 0.5}, {math.NaN(), 1, 0.5}, {1, math.Inf(1), 0.5}, {-1, 1, 0.5},
	} {
		if got := forecast.Newsvendor(c.miss, c.idle); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("a miss costs %v, an idle replica %v: %v, want %v", c.miss, c.idle, got, c.want)
		}
	}
}

// What is slow to start is made ahead more surely, and nothing for less than the median.
func TestForReplicas_FollowsTheColdStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		start time.Duration
		want  float64
	}{{0, 0.5}, {50 * time.Second, 0.5}, {210 * time.Second, 2.8 / 3.8}, {20 * time.Minute, 16.0 / 17}, {1000 * time.Hour, 0.99}, {-1, 0.5}} {
		if got := forecast.ForReplicas(c.start); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("a start of %s: %v, want %v", c.start, got, c.want)
		}
	}
}
