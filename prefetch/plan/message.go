// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math"
	"strings"
)

// mostNodesNamed in a message.
const mostNodesNamed = 5

func (p *planner) noNodes(a *ask) string {
	switch {
	case len(p.nodes) == 0:
		return "no node has an agent yet"
	case a.matched == 0:
		return "no node matches the selector"
	default:
		return "no node that matches is ready: " + count(a.matched, "is not", "are not")
	}
}

func (p *planner) enough(a *ask) string {
	parts := []string{"fits on the " + count(len(a.chosen), "node", "nodes") + " asked for"}
	away := 0
	for _, n := range a.chosen {
		if !p.nodes[n].Ready {
			away++
		}
	}
	if away > 0 {
		parts = append(parts, count(away, "is", "are")+" not ready")
	}
	if n := len(a.expired); n > 0 {
		parts = append(parts, fmt.Sprintf("on %d no pod used it for %v", n, a.TTL))
	}
	return strings.Join(parts, "; ")
}

// reasons why there are fewer nodes than asked for.
func (p *planner) reasons(a *ask) string {
	var parts []string
	switch eligible := len(a.near) + len(a.away); {
	case eligible >= a.asked:
	case eligible == a.matched:
		parts = append(parts, "only "+count(a.matched, "node matches", "nodes match"))
	default:
		parts = append(parts, fmt.Sprintf("only %d of the %d that match are ready", len(a.near), a.matched))
	}
	for i, s := range a.short {
		if i == mostNodesNamed {
			parts = append(parts, fmt.Sprintf("and %d more", len(a.short)-i))
			break
		}
		parts = append(parts, p.nodes[s.node].Name+" "+s.String())
	}
	return strings.Join(parts, ", ")
}

func (s shortage) String() string {
	switch {
	case s.full:
		return fmt.Sprintf("holds %d models, the most there can be", MaxModels)
	case s.bytes > 0:
		return "lacks " + size(s.bytes)
	default: // another revision, that was in the way, has made room since
		return "has no room yet"
	}
}

// size in binary units, rounded up: with that much more it fits.
func size(n int64) string {
	const step = 1024
	value, unit := float64(n), 0
	for value >= step {
		value, unit = value/step, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %ciB", math.Ceil(value*10)/10, "KMGTPE"[unit-1])
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
