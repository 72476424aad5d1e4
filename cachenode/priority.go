// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import "fmt"

// Priority orders everything that wants bytes on a node. Higher goes first.
type Priority int

// From "when there is nothing better to do" to "a process is blocked on it".
const (
	Bulk        Priority = iota // keep a copy, some day
	Forecast                    // a scale-up is expected
	StartingPod                 // a pod has been scheduled and waits for its model
	WaitingRead                 // a process is blocked in read(2)
)

var priorityNames = [...]string{"bulk", "forecast", "starting-pod", "waiting-read"}

// Priorities is the number of levels.
const Priorities = len(priorityNames)

// String is the name used in configuration, metrics and logs.
func (p Priority) String() string {
	if p < 0 || int(p) >= Priorities {
		return fmt.Sprintf("priority(%d)", int(p))
	}
	return priorityNames[p]
}

// ParsePriority is the inverse of String; "" is Bulk.
func ParsePriority(s string) (Priority, error) {
	if s == "" {
		return Bulk, nil
	}
	for i, name := range priorityNames {
		if s == name {
			return Priority(i), nil
		}
	}
	return 0, &Error{Kind: ErrInvalid, Op: "parse priority", Subject: fmt.Sprintf("%q", clip(s)), Err: fmt.Errorf("want one of %v", priorityNames)}
}

// Placement says how bytes reach the disk.
type Placement int

const (
	// Direct bypasses the page cache: cheap, steady, and evicts nobody's pages.
	Direct Placement = iota
	// Cached leaves the bytes in the page cache, for a loader that is about to read them.
	Cached
)

// Placement follows from who waits: with a pod behind the bytes they are worth RAM.
func (p Priority) Placement() Placement {
	if p >= StartingPod {
		return Cached
	}
	return Direct
}
