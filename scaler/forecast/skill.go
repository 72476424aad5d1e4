// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import "time"

const (
	skillOrigins = weekMinutes / stride // the memory, in forecasts: a weekend must not make it forget the jobs of workdays
	slack        = 1.0                  // spreads above what is ready are borne by the replicas that are there
	unheardOf    = 50.0                 // spreads; more count no more, or one broken measurement would count for weeks
	skillMargin  = 0.03
)

// skill compares, over one reach, who follows the last minutes, as an autoscaler does, with who is raised to the season besides.
type skill struct {
	follows, raised float64 // EWMAs of their losses, in spreads too many
}

func (s *skill) learn(rate, seasonal, recent float64) {
	unit := spread(recent)
	s.follows += (loss((rate-recent)/unit) - s.follows) / skillOrigins
	s.raised += (loss((rate-max(recent, seasonal))/unit) - s.raised) / skillOrigins
}

// loss is of a rate that was so many spreads above what was ready.
func loss(missed float64) float64 {
	return max(-missed, missCost*min(unheardOf, missed-slack), 0)
}

func (s *skill) pays() bool { return s.raised < (1-skillMargin)*s.follows }

// Foresees reports whether raising to the season paid in the last week, that far ahead: whether what it would have spared outweighs what it would
// have cost. It does not where there is no season, nor where the season is so slow that an autoscaler sees it come.
func (m *Model) Foresees(horizon time.Duration) bool {
	return m.horizons[reachOf(int64(horizon/time.Minute)+1)].skill.pays()
}
