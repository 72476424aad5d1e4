// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import "time"

// Quantile is the rate, in requests/s, that the minute at now+horizon stays at or below with probability q, in (0, 1). It is finite and
// not negative. The error is an *Insufficient.
func (m *Model) Quantile(now time.Time, horizon time.Duration, q float64) (float64, error) {
	if err := m.check(now, horizon, q); err != nil {
		return 0, err
	}
	return m.at(minuteOf(now.Add(horizon)), q)
}

// Peak is the highest rate, in requests/s, that the minutes after now up to now+horizon are expected to have, each with probability q of
// not being above it: what must be ready by then. It is of the season and its level alone. The last minutes an autoscaler sees
// itself; mixed in, they would flatten the job that is about to begin. The error is an *Insufficient.
func (m *Model) Peak(now time.Time, horizon time.Duration, q float64) (float64, error) {
	if err := m.check(now, horizon, q); err != nil {
		return 0, err
	}
	from, to := minuteOf(now), minuteOf(now.Add(horizon))
	peak := 0.0
	for minute := from + 1; minute <= max(from+1, to); minute++ {
		seasonal, _ := m.experts(minute)
		rate, err := m.horizons[reachOf(minute-m.last)].season.around(seasonal, q)
		if err != nil {
			return 0, err
		}
		peak = max(peak, rate)
	}
	return peak, nil
}

func (m *Model) check(now time.Time, horizon time.Duration, q float64) error {
	if horizon < 0 || horizon > MaxHorizon {
		return insufficient(BadQuestion, "a horizon of %s is not within 0 and %s", horizon, MaxHorizon)
	}
	if !(q > 0 && q < 1) {
		return insufficient(BadQuestion, "%v is no quantile between 0 and 1", q)
	}
	return m.Ready(now)
}

func (m *Model) at(minute int64, q float64) (float64, error) {
	h := &m.horizons[reachOf(minute-m.last)]
	seasonal, recent := m.experts(minute)
	return h.mixed.around(mix(h.share(), seasonal, recent), q)
}
