// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

// How many values of a finer season weigh as much as the whole coarser one. Few: a median of two weekend days says more about a
// third than five working days do.
const (
	dayTypePrior = 1.0
	weekdayPrior = 2.0
)

// profile is what is usual at a minute, in requests/s; NaN if nothing is known.
func (h *history) profile(minute int64) float64 {
	local := h.local(minute)
	inWeek := (local%weekMinutes + weekMinutes) % weekMinutes
	day, inDay := int(inWeek/dayMinutes), int(inWeek%dayMinutes)

	var all, dayType, weekday samples
	for d := range 7 {
		for week := range weeksKept {
			known := h.cells[week*weekMinutes+d*dayMinutes+inDay]
			if known == missing {
				continue
			}
			v := known.float()
			all.add(v)
			if weekend(d) == weekend(day) {
				dayType.add(v)
			}
			if d == day {
				weekday.add(v)
			}
		}
	}
	if all.n == 0 {
		return math.NaN()
	}
	usual := toward(all.median(), &dayType, dayTypePrior)
	if weekday.n >= 2 { // so there are 14 days
		usual = toward(usual, &weekday, weekdayPrior)
	}
	return usual
}

// toward draws a coarser season's value to the finer one's.
func toward(coarse float64, finer *samples, prior float64) float64 {
	if finer.n == 0 {
		return coarse
	}
	n := float64(finer.n)
	return (prior*coarse + n*finer.median()) / (prior + n)
}

func weekend(day int) bool { return day == 0 || day == 6 }

// samples are the values of one minute of the day, sorted; they stay on the stack.
type samples struct {
	values [7 * weeksKept]float32
	n      int
}

func (s *samples) add(v float32) {
	i := s.n
	for ; i > 0 && s.values[i-1] > v; i-- {
		s.values[i] = s.values[i-1]
	}
	s.values[i] = v
	s.n++
}

func (s *samples) median() float64 {
	return (float64(s.values[(s.n-1)/2]) + float64(s.values[s.n/2])) / 2
}
