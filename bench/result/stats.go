// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package result

import "slices"

// Median is the middle one of values, the mean of two where their number is even, and 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Seconds are the wholes of a scenario's runs.
func (s *Scenario) Seconds() []float64 {
	seconds := make([]float64, len(s.Runs))
	for i := range s.Runs {
		seconds[i] = s.Runs[i].Seconds
	}
	return seconds
}

// Typical is the run whose whole is nearest to the median: the one to draw. It is nil where there is none.
func (s *Scenario) Typical() *Run {
	median := Median(s.Seconds())
	var typical *Run
	for i := range s.Runs {
		if typical == nil || distance(s.Runs[i].Seconds, median) < distance(typical.Seconds, median) {
			typical = &s.Runs[i]
		}
	}
	return typical
}

// OwnSeconds is what Hoist itself adds to a run.
func (r *Run) OwnSeconds() float64 {
	var seconds float64
	for _, p := range r.Phases {
		if p.Hoist {
			seconds += p.Seconds
		}
	}
	return seconds
}

func distance(a, b float64) float64 { return max(a-b, b-a) }
