// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/podstart"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
	"github.com/hoist-dev/hoist/scaler/forecast"
)

// leads are how long before demand each tier begins.
type leads struct {
	room     time.Duration // on nodes that have yet to come, without weights
	weights  time.Duration // onto nodes that do not have them
	replicas time.Duration // onto nodes as they are
}

// leadsOf are those of a policy: what a slow start takes on the nodes that it will meet, until a demand is seen, until the next forecast.
func leadsOf(p *v1alpha1.ScalePolicy, f Facts) leads {
	here := func(accelerator string) bool {
		return slices.ContainsFunc(f.Nodes, func(n corev1.Node) bool { return podstart.Accelerator(&n) == accelerator })
	}
	lead := func(weights v1alpha1.NodeState) time.Duration {
		return min(time.Duration(coldstart.Lead(p.Status.ColdStart, weights, here))*time.Second+sees+every, forecast.MaxHorizon)
	}
	cold, met := v1alpha1.ColdState, v1alpha1.ColdState
	switch {
	case modelOf(f.Workload, p.Namespace) == "":
		cold, met = v1alpha1.UnknownState, v1alpha1.UnknownState // it has no weights that anybody could bring
	case broughtAhead(p, f):
		met = v1alpha1.WarmState
	}
	all := leads{weights: lead(cold), replicas: lead(met)}
	if c := p.Spec.Forecast.Capacity; c != nil {
		all.room = min(all.weights+time.Duration(or(c.NodeSeconds, nodeSeconds))*time.Second, forecast.MaxHorizon)
	}
	return all
}

// broughtAhead reports whether the weights are on all of the nodes that they are brought to.
func broughtAhead(p *v1alpha1.ScalePolicy, f Facts) bool {
	if p.Status.Forecast == nil || len(p.Status.Forecast.Nodes) == 0 {
		return false
	}
	label := v1alpha1.ModelLabel(p.Namespace, modelOf(f.Workload, p.Namespace))
	return !slices.ContainsFunc(p.Status.Forecast.Nodes, func(name string) bool {
		return !slices.ContainsFunc(f.Nodes, func(n corev1.Node) bool { return n.Name == name && n.Labels[label] == string(v1alpha1.ReadyPhase) })
	})
}
