// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/sim"
)

const (
	syncEvery    = 15 * time.Second  // HPA
	pollEvery    = 30 * time.Second  // KEDA's pollingInterval
	cooldown     = 300 * time.Second // KEDA's cooldownPeriod
	pollsEachAsk = int(pollEvery / syncEvery)
)

// Trigger is a metric of a ScaledObject, of type AverageValue.
type Trigger struct {
	Value  func(sim.Metrics) float64
	Target float64
}

// KEDA is a ScaledObject: an HPA between 1 and n, and KEDA's executor between 0 and 1 (pkg/scaling/executor/scale_scaledobjects.go): a
// trigger above 0 is active, and when none has been for the cooldown, replicas go to 0 from any number, past all behavior.
type KEDA struct {
	HPA
	Triggers []Trigger
	ToZero   bool          // minReplicaCount is 0
	Sync     time.Duration // how often the HPA syncs; 15 s if 0

	asked      int
	lastActive time.Duration
}

// Every is how often the HPA syncs.
func (k *KEDA) Every() time.Duration { return cmp.Or(k.Sync, syncEvery) }

// Desired is what HPA and executor make of the metrics.
func (k *KEDA) Desired(m sim.Metrics) int {
	want, active := 1, false // an HPA's minReplicas is 1
	for _, t := range k.Triggers {
		value := t.Value(m)
		active = active || value > 0
		if m.Replicas > 0 {
			want = max(want, k.AverageValue(value, t.Target, m.Replicas))
		}
	}
	k.asked++
	if k.ToZero && k.asked%pollsEachAsk == 0 {
		if active {
			k.lastActive = m.Now
		} else if m.Now-k.lastActive > cooldown {
			return 0
		}
	}
	if m.Replicas == 0 {
		if active && k.asked%pollsEachAsk == 0 {
			return 1
		}
		return 0
	}
	return k.Scale(m.Now, m.Replicas, want)
}
