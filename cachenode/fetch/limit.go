// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

// limit is how many connections are worth having. It is a value: each window of
// measurements makes the next one.
//
// It climbs while more connections bring more goodput, in steps that double while
// they pay, stays where they do not, and tries again now and then because networks
// change. An origin that says SlowDown halves it; from there the steps begin with one.
type limit struct {
	n   int // connections, 1..max
	max int

	before float64 // goodput before the last raise, in bytes per second
	raised int     // by how much n was raised and not yet judged
	hold   int     // windows until the next raise
	step   int     // of the next raise
}

// What the climb looks like. A window is a quarter of a second or more.
const (
	limitStart    = 16
	limitFloor    = 2 // an origin that refuses at random is not given up
	limitStep     = 8
	limitStepMax  = 32   // steps double while they pay
	limitGain     = 0.03 // less is no gain
	holdAfterStop = 20   // windows
	holdAfterSlow = 4
)

func newLimit(most int) limit {
	return limit{n: min(limitStart, most), max: most, step: limitStep}
}

// window is what was measured while a limit was in force.
type window struct {
	goodput float64 // bytes per second
	starved bool    // some connections had nothing to do: it says nothing about the limit
}

// after is the limit that follows w.
func (l limit) after(w window) limit {
	switch {
	case w.starved:
		return l
	case l.raised > 0 && !l.paid(w.goodput):
		l.n -= l.raised
		l.raised, l.hold, l.step = 0, holdAfterStop, min(l.step, limitStep)
	case l.hold > 0:
		l.hold--
	default:
		if l.raised > 0 {
			l.step = min(2*l.step, limitStepMax)
		}
		l.before, l.raised = w.goodput, min(l.step, l.max-l.n)
		l.n += l.raised
	}
	return l
}

// paid reports whether the last raise brought enough: 3 %, or half of what it would
// have brought on an endless network if that is less.
func (l limit) paid(goodput float64) bool {
	share := float64(l.raised) / float64(l.n-l.raised)
	return goodput >= l.before*(1+min(limitGain, share/2))
}

// slowed is the limit after the origin asked for less.
func (l limit) slowed() limit {
	l.n = max(min(limitFloor, l.max), l.n/2)
	l.raised, l.hold, l.step = 0, holdAfterSlow, 1
	return l
}
