// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import "time"

// Health is how far a disk can be relied on.
type Health int

// The states, best first. The rules are JuiceFS's, which have proved themselves
// (pkg/chunk/disk_cache_state.go).
const (
	Normal   Health = iota
	Unstable        // three errors: nothing new is begun that can wait
	Down            // unstable for half an hour: unready until it is replaced or mended
)

// String is the name used in status and metrics.
func (h Health) String() string { return [...]string{"Normal", "Unstable", "Down"}[h] }

const (
	errorsToUnstable = 3
	goodToNormal     = 60
	unstableToDown   = 30 * time.Minute
)

// healthState decides the health from what operations and probes report. It is a
// value: each report makes the next one.
type healthState struct {
	health Health
	errors int       // in a row, while normal
	good   int       // probes in a row, while not normal
	since  time.Time // when it turned unstable
}

// failed is the state after an I/O error, or a probe that failed or hung.
func (s healthState) failed(now time.Time) healthState {
	s.good = 0
	s.errors++
	switch {
	case s.health == Normal && s.errors >= errorsToUnstable:
		s.health, s.since = Unstable, now
	case s.health == Unstable && now.Sub(s.since) >= unstableToDown:
		s.health = Down
	}
	return s
}

// probed is the state after a probe that went well.
func (s healthState) probed() healthState {
	if s.health == Normal {
		s.errors = 0
		return s
	}
	if s.good++; s.good >= goodToNormal {
		return healthState{}
	}
	return s
}
