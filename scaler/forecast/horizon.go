// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

const (
	// stride is how many minutes apart forecasts are remembered, to learn from them. It divides no hour, so that all of
	// an hour's minutes are learned from.
	stride = 7
	// warmUp is before a profile is good enough for its errors to say something about later ones.
	warmUp = 3 * dayMinutes
	// pendingMinutes is more than the longest reach.
	pendingMinutes = 70
	lossOrigins    = dayMinutes / stride // the memory of a loss, in forecasts
)

// reach are the horizons whose errors are known, in minutes from the last known one. One between two of them is answered with the
// errors of the longer. The longest is MaxHorizon and MaxAge together, and a minute.
var reach = [...]int64{1, 2, 3, 5, 10, 20, 35, 66}

// shares are how much of the seasonal forecast goes into the mix.
var shares = [...]float64{0, 0.25, 0.5, 0.75, 1}

// horizon is what was learned from the forecasts over one reach.
type horizon struct {
	losses [len(shares)]float64 // EWMA of the absolute errors, in spreads
	mixed  residuals            // of what Quantile answers
	season residuals            // of the season alone
	skill  skill
}

// share is that of the shares that did best; at first, all seasonal.
func (h *horizon) share() float64 {
	best := len(shares) - 1
	for i := len(shares) - 2; i >= 0; i-- {
		if h.losses[i] < h.losses[best] {
			best = i
		}
	}
	return shares[best]
}

// reachOf is the index of the shortest reach that is that long.
func reachOf(minutes int64) int {
	i := 0
	for i < len(reach)-1 && reach[i] < minutes {
		i++
	}
	return i
}

// never is no minute.
const never = math.MinInt64

// pending is a forecast whose minute is not over.
type pending struct {
	minute           int64 // since the epoch; never if there is none
	seasonal, recent float32
	point            float32 // what was forecast
}

// foresee remembers forecasts from here over each reach.
func (m *Model) foresee() {
	for i, ahead := range reach {
		at := m.last + ahead
		seasonal, recent := m.experts(at)
		point := mix(m.horizons[i].share(), seasonal, recent)
		m.pending[(at%pendingMinutes+pendingMinutes)%pendingMinutes][i] = pending{at, float32(seasonal), float32(recent), float32(point)}
	}
}

// settle compares with a minute's rate what was forecast of it, before anything else learns of that rate.
func (m *Model) settle(minute int64, rate float64) {
	for i, p := range m.pending[(minute%pendingMinutes+pendingMinutes)%pendingMinutes] {
		if p.minute != minute {
			continue
		}
		h, seasonal, recent, point := &m.horizons[i], float64(p.seasonal), float64(p.recent), float64(p.point)
		h.mixed.add((rate - point) / spread(point))
		h.season.add((rate - seasonal) / spread(seasonal))
		h.skill.learn(rate, seasonal, recent)
		for j, share := range shares {
			forecast := mix(share, seasonal, recent)
			h.losses[j] += (math.Abs(rate-forecast)/spread(point) - h.losses[j]) / lossOrigins
		}
	}
}

// experts are the two forecasts of a minute that are mixed. A minute of the day that was never seen has no season.
func (m *Model) experts(minute int64) (seasonal, recent float64) {
	usual := m.history.profile(minute)
	if math.IsNaN(usual) {
		return m.level.fast, m.level.fast
	}
	return usual * m.level.ahead(float64(minute-m.last)), m.level.fast
}

func mix(share, seasonal, recent float64) float64 { return share*seasonal + (1-share)*recent }

// spread is the unit of errors, in requests/s: the Poisson noise of a minute's mean, and a tenth for what no profile knows.
// Quantiles are right whatever it is; it makes them narrow where little comes and wide where much does.
func spread(rate float64) float64 {
	return math.Sqrt(rate/60 + 0.01*rate*rate + oneAMinute*oneAMinute)
}
