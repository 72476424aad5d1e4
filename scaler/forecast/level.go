// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

const (
	levelMinutes = 60.0     // time constant of the level
	fastMinutes  = 4.0      // time constant of the plain EWMA
	fadeMinutes  = 6 * 60.0 // within which a level that is out of the ordinary is forgotten
	surprise     = 1.5      // times what was expected count for the level at most: a burst is no trend
	maxLevel     = 10.0     // and its inverse: a profile that is off by more is no profile
	oneAMinute   = 1.0 / 60 // requests/s; keeps quotients tame where nearly nothing comes
)

// level compares what comes with what is usual.
type level struct {
	actual, usual, fast float64 // EWMAs of the rate, of the profile, and of the rate again, quicker
	started             bool
}

// observe takes the rate of a minute and what the profile said of it, which may be NaN.
func (l *level) observe(rate, usual float64) {
	if !l.started {
		l.started, l.fast = true, rate
	}
	l.fast += (rate - l.fast) / fastMinutes
	if math.IsNaN(usual) {
		return
	}
	expected := usual*l.now() + oneAMinute
	l.actual += (min(rate, surprise*expected) - l.actual) / levelMinutes
	l.usual += (usual - l.usual) / levelMinutes
}

// ahead is the level some minutes ahead: 1 is as usual.
func (l *level) ahead(minutes float64) float64 {
	return 1 + (l.now()-1)*math.Exp(-minutes/fadeMinutes)
}

func (l *level) now() float64 {
	return min(maxLevel, max(1/maxLevel, (l.actual+oneAMinute)/(l.usual+oneAMinute)))
}
