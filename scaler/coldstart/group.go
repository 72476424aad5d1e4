// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package coldstart

import (
	"cmp"
	"slices"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// byGroup are the last starts of each of the groups that were met last, in the order of their names.
func byGroup(starts []v1alpha1.ColdStart) (names []group, of map[group][]v1alpha1.ColdStart) {
	of = map[group][]v1alpha1.ColdStart{}
	for i := len(starts) - 1; i >= 0; i-- {
		g := groupOf(&starts[i])
		if _, met := of[g]; !met {
			if len(of) == mostGroups {
				continue
			}
			names = append(names, g)
		}
		if len(of[g]) < keptOfGroup {
			of[g] = append(of[g], starts[i])
		}
	}
	slices.SortFunc(names, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.accelerator, b.accelerator), cmp.Compare(a.weights, b.weights))
	})
	return names, of
}

func groups(starts []v1alpha1.ColdStart) (all []v1alpha1.ColdStartGroup) {
	names, of := byGroup(starts)
	for _, g := range names {
		next := v1alpha1.ColdStartGroup{Accelerator: g.accelerator, Weights: g.weights, Starts: int32(len(of[g]))}
		next.P50Seconds, next.P90Seconds = both(of[g], (*v1alpha1.ColdStart).Total)
		all = append(all, next)
	}
	return all
}

// Phase is what one phase takes in a group of starts, in seconds.
type Phase struct {
	Accelerator string
	Weights     v1alpha1.NodeState
	Name        string // Scheduled, Mounted, Pulled, Started, Loaded or Ready: how it ended
	P50, P90    int32
}

// Phases are those of all groups.
func Phases(status *v1alpha1.ColdStartStatus) (all []Phase) {
	if status == nil {
		return nil
	}
	names, of := byGroup(status.Recent)
	for _, g := range names {
		add := func(name string, took func(*v1alpha1.ColdStart) int32) {
			p50, p90 := both(of[g], took)
			all = append(all, Phase{g.accelerator, g.weights, name, p50, p90})
		}
		add("Scheduled", func(c *v1alpha1.ColdStart) int32 { return c.ScheduledSeconds })
		add("Mounted", func(c *v1alpha1.ColdStart) int32 { return c.MountedSeconds })
		add("Pulled", func(c *v1alpha1.ColdStart) int32 { return c.PulledSeconds })
		add("Started", func(c *v1alpha1.ColdStart) int32 { return c.StartedSeconds })
		add("Loaded", func(c *v1alpha1.ColdStart) int32 { return c.LoadedSeconds })
		add("Ready", func(c *v1alpha1.ColdStart) int32 { return c.ReadySeconds })
	}
	return all
}

// both are p50 and p90 of what starts took, of at least one.
func both(starts []v1alpha1.ColdStart, took func(*v1alpha1.ColdStart) int32) (p50, p90 int32) {
	values := make([]int32, len(starts))
	for i := range starts {
		values[i] = took(&starts[i])
	}
	slices.Sort(values)
	return rank(values, 0.5), rank(values, 0.9)
}
