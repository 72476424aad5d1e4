// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package coldstart

import "github.com/hoist-dev/hoist/api/v1alpha1"

// Prior is how long a cold start is taken to be before one was seen, in seconds.
const Prior = 180

// How many starts say more than what would be taken without them: than Prior, and than all starts together.
const (
	enough        = 3
	enoughOfGroup = 5
)

// Slow is how many seconds a slow start takes, wherever it is, as far as is known.
func Slow(status *v1alpha1.ColdStartStatus) int32 {
	if status == nil || len(status.Recent) < enough {
		return Prior
	}
	return status.P90Seconds
}

// Lead is how many seconds before it is needed a replica has to be started on a node in this state: what a slow start takes there. It is that of the
// slowest accelerator on which five such starts or more were seen, of those that are here; if there are none, of any; if there are none either, what a
// slow start takes wherever it is (see [Slow]).
func Lead(status *v1alpha1.ColdStartStatus, weights v1alpha1.NodeState, here func(accelerator string) bool) int32 {
	if status == nil {
		return Prior
	}
	var slowest, anywhere int32
	known, elsewhere := false, false
	for _, g := range status.Groups {
		if g.Weights != weights || g.Starts < enoughOfGroup {
			continue
		}
		anywhere, elsewhere = max(anywhere, g.P90Seconds), true
		if here(g.Accelerator) {
			slowest, known = max(slowest, g.P90Seconds), true
		}
	}
	switch {
	case known:
		return slowest
	case elsewhere:
		return anywhere
	}
	return Slow(status)
}
