// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import "slices"

// Severity is how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "Error"   // it does not do what it is there for
	Warning Severity = "Warning" // it will bite on some day
	Note    Severity = "Note"    // worth knowing
)

// Finding is something that is wrong with a ScaledObject.
type Finding struct {
	Check    string   `json:"check"` // its name, which docs/doctor.md explains
	Severity Severity `json:"severity"`
	Object   string   `json:"object"` // namespace/name, and the trigger; or KEDA
	What     string   `json:"what"`
	Why      string   `json:"why"`
	Fix      string   `json:"fix,omitempty"` // YAML
}

// check is one thing that is looked at.
type check struct {
	name     string
	severity Severity
	look     func(o *Object) []said
}

// said is what a check has to say of one place.
type said struct {
	where, what, why, fix string
	of                    string // what else than the ScaledObject it is about
}

// Examine finds what is wrong, the worst first.
func Examine(o *Object) (found []Finding) {
	for _, c := range checks {
		for _, s := range c.look(o) {
			at := o.String()
			if s.of != "" {
				at = s.of
			}
			if s.where != "" {
				at += ", trigger " + s.where
			}
			found = append(found, Finding{Check: c.name, Severity: c.severity, Object: at, What: s.what, Why: s.why, Fix: s.fix})
		}
	}
	rank := map[Severity]int{Error: 0, Warning: 1, Note: 2}
	slices.SortStableFunc(found, func(a, b Finding) int { return rank[a.Severity] - rank[b.Severity] })
	return found
}

// checks, in the order in which they are told.
var checks = slices.Concat(queryChecks, gpuChecks, zeroChecks, wakeChecks, objectChecks, clusterChecks, kueueChecks, podChecks, kedaChecks)

// Checks are the names of all, in order.
func Checks() (names []string) {
	for _, c := range checks {
		names = append(names, c.name)
	}
	return names
}

func one(s said) []said { return []said{s} }
