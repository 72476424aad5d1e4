// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import "time"

const (
	dayMinutes  = 24 * 60
	weekMinutes = 7 * dayMinutes
	weeksKept   = 4
)

// history is the last weeks, a row a week from Sunday 00:00 local time, with holes where a minute is missing. A clock that is put back
// writes an hour twice, and the later one stays; one that is put forward leaves an hour missing.
type history struct {
	location *time.Location
	cells    []half // [weeksKept][weekMinutes]
}

func newHistory(location *time.Location) history {
	h := history{location: location, cells: make([]half, weeksKept*weekMinutes)}
	h.clear()
	return h
}

func (h *history) clear() {
	for i := range h.cells {
		h.cells[i] = missing
	}
}

// local counts minutes by the clock on the wall, from a Sunday 00:00.
func (h *history) local(minute int64) int64 {
	_, offset := time.Unix(minute*60, 0).In(h.location).Zone()
	return minute + floorDiv(int64(offset), 60) + 4*dayMinutes // 1970 began on a Thursday
}

func cell(local int64) int64 {
	const all = weeksKept * weekMinutes
	return (local%all + all) % all
}

func (h *history) put(minute int64, rate float64) { h.cells[cell(h.local(minute))] = halfOf(rate) }

// skip marks the minutes in [from, to) missing, and reports whether that was all that there was.
func (h *history) skip(from, to int64) bool {
	if to-from >= weeksKept*weekMinutes {
		h.clear()
		return true
	}
	for ; from < to; from++ {
		h.cells[cell(h.local(from))] = missing
	}
	return false
}

// covered is the share of known minutes in the week that ends with last.
func (h *history) covered(last int64) float64 {
	n, end := 0, h.local(last)
	for local := end - weekMinutes + 1; local <= end; local++ {
		if h.cells[cell(local)] != missing {
			n++
		}
	}
	return float64(n) / weekMinutes
}
