// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package result_test

import (
	"testing"

	"github.com/hoist-dev/hoist/bench/result"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := result.Median(c.values); got != c.want {
			t.Errorf("the median of %v is %v, not %v", c.values, got, c.want)
		}
	}
}

func TestTypical_IsNearestToTheMedian(t *testing.T) {
	t.Parallel()
	s := result.Scenario{Runs: []result.Run{{Seconds: 9}, {Seconds: 2}, {Seconds: 1}}}
	if got := s.Typical(); got.Seconds != 2 {
		t.Errorf("%v s", got.Seconds)
	}
	if (&result.Scenario{}).Typical() != nil {
		t.Error("a scenario without runs has a typical one")
	}
	own := result.Run{Phases: []result.Phase{{Seconds: 1}, {Seconds: 2, Hoist: true}, {Seconds: 0.5, Hoist: true}}}
	if own.OwnSeconds() != 2.5 {
		t.Errorf("Hoist adds %v s", own.OwnSeconds())
	}
}
