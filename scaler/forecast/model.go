// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"slices"
	"time"
)

// Model forecasts one policy's arrival rate. Make it with New or Fit.
type Model struct {
	history  history
	level    level
	horizons []horizon // one for each of reach
	pending  [pendingMinutes][]pending

	first, last int64 // minutes since the epoch; of the known ones
	started     bool
}

// New makes a Model that knows nothing. Days begin and end in location; nil is UTC.
func New(location *time.Location) *Model {
	if location == nil {
		location = time.UTC
	}
	m := &Model{history: newHistory(location), horizons: make([]horizon, len(reach))}
	for i := range m.pending {
		m.pending[i] = slices.Repeat([]pending{{minute: never}}, len(reach))
	}
	return m
}

// Fit makes a Model of a history in any order. Of several samples of one minute the last known one counts; those of the minute of now and
// later don't.
func Fit(samples []Sample, now time.Time, location *time.Location) *Model {
	ordered := make([]Sample, 0, len(samples))
	for _, s := range samples {
		if known(s.Rate) && minuteOf(s.At) < minuteOf(now) {
			ordered = append(ordered, s)
		}
	}
	slices.SortStableFunc(ordered, func(a, b Sample) int { return int(min(1, max(-1, minuteOf(a.At)-minuteOf(b.At)))) })
	m := New(location)
	for i, s := range ordered {
		if i+1 == len(ordered) || minuteOf(ordered[i+1].At) > minuteOf(s.At) {
			m.Observe(s)
		}
	}
	return m
}

// Observe takes in a minute that is over, and reports whether it did: a minute is taken once, in order, and only if its rate is a
// measurement. It takes microseconds. The caller keeps times from the future away, which would make what follows look old.
func (m *Model) Observe(s Sample) bool {
	minute := minuteOf(s.At)
	if !known(s.Rate) || m.started && minute <= m.last {
		return false
	}
	if !m.started {
		m.started, m.first = true, minute
	} else if m.history.skip(m.last+1, minute) {
		m.first = minute
	}
	m.settle(minute, s.Rate)
	m.level.observe(s.Rate, m.history.profile(minute))
	m.history.put(minute, s.Rate)
	m.last = minute
	if minute%stride == 0 && minute-m.first >= warmUp {
		m.foresee()
	}
	return true
}

// Ready is nil if there are forecasts at now, and else an *Insufficient.
func (m *Model) Ready(now time.Time) error {
	if !m.started {
		return insufficient(InsufficientHistory, "nothing was observed yet, %s are needed", words(MinHistory))
	}
	if age := time.Duration(minuteOf(now)-m.last) * time.Minute; age > MaxAge {
		return insufficient(Stale, "the last known minute is %s old", words(age))
	}
	if have := time.Duration(m.last-m.first+1) * time.Minute; have < MinHistory {
		return insufficient(InsufficientHistory, "%s of history, %s are needed", words(have), words(MinHistory))
	}
	if covered := m.history.covered(m.last); covered < minCoverage {
		return insufficient(TooManyGaps, "%.0f %% of the last week's minutes are known, %.0f %% are needed", 100*covered, 100*minCoverage)
	}
	return nil
}

func known(rate float64) bool { return rate >= 0 && rate <= MaxRate } // false for NaN

func minuteOf(t time.Time) int64 { return floorDiv(t.Unix(), 60) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func words(d time.Duration) string {
	if d < 48*time.Hour {
		return d.Round(time.Minute).String()
	}
	return (time.Duration(math.Round(d.Hours())) * time.Hour).String()
}
