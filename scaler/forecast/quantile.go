// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"math"
	"time"
)

// Quantile is the rate, in requests/s, that the minute at now+horizon stays at or below with probability q, in (0, 1). It is finite and
// not negative. The error is an *Insufficient.
func (m *Model) Quantile(now time.Time, horizon time.Duration, q float64) (float64, error) {
	if err := m.check(now, horizon, q); err != nil {
		return 0, err
	}
	return m.at(minuteOf(now.Add(horizon)), q)
}

// Peak is the highest Quantile from the minute after now up to now+horizon: what must be ready by then.
func (m *Model) Peak(now time.Time, horizon time.Duration, q float64) (float64, error) {
	if err := m.check(now, horizon, q); err != nil {
		return 0, err
	}
	from, to := minuteOf(now), minuteOf(now.Add(horizon))
	peak := 0.0
	for minute := min(from+1, to); minute <= to; minute++ {
		rate, err := m.at(minute, q)
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
	i := 0
	for i < len(reach)-1 && reach[i] < minute-m.last {
		i++
	}
	h := &m.horizons[i]
	if n := len(h.residuals.sorted); n < minResiduals {
		return 0, insufficient(Uncalibrated, "%d forecasts %d minutes ahead were compared with what came, %d are needed", n, reach[i], minResiduals)
	}
	seasonal, recent := m.experts(minute)
	if math.IsNaN(seasonal) { // a minute of the day that was never seen
		seasonal = recent
	}
	point := mix(h.share(), seasonal, recent)
	return min(MaxRate, max(0, point+h.residuals.quantile(q)*spread(point))), nil
}
