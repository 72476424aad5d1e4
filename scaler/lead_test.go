// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/forecast"
)

// slowlyAndFast is what is known of a target that takes 20 minutes on nodes without its weights, and one on those that have them.
func slowlyAndFast() *v1alpha1.ColdStartStatus {
	return &v1alpha1.ColdStartStatus{P90Seconds: 1200, Recent: make([]v1alpha1.ColdStart, 20), Groups: []v1alpha1.ColdStartGroup{
		{Weights: v1alpha1.ColdState, Starts: 10, P90Seconds: 1200}, {Weights: v1alpha1.WarmState, Starts: 10, P90Seconds: 60}}}
}

// Weights are brought in time for nodes without them, nodes in time for weights; replicas are made in time for nodes as they are.
func TestLeadsOf_GoesByTheNodesThatAreMet(t *testing.T) {
	t.Parallel()
	const wait, node = sees + every, 2 * time.Minute
	llama := v1alpha1.ModelLabel("team-a", "llama3")
	for name, row := range map[string]struct {
		change            func(*v1alpha1.ScalePolicy, *Facts)
		weights, replicas time.Duration
	}{
		"nothing is brought ahead": {func(p *v1alpha1.ScalePolicy, _ *Facts) { p.Status.Forecast = nil }, 20 * time.Minute, 20 * time.Minute},
		"it is on its way":         {func(_ *v1alpha1.ScalePolicy, f *Facts) { f.Nodes[0].Labels[llama] = string(v1alpha1.FetchingPhase) }, 20 * time.Minute, 20 * time.Minute},
		"it is there":              {func(*v1alpha1.ScalePolicy, *Facts) {}, 20 * time.Minute, time.Minute},
		"it is on one of two": {func(p *v1alpha1.ScalePolicy, f *Facts) {
			p.Status.Forecast.Nodes = append(p.Status.Forecast.Nodes, "gpu-2")
			f.Nodes = append(f.Nodes, corev1.Node{})
			f.Nodes[1].Name = "gpu-2"
		}, 20 * time.Minute, 20 * time.Minute},
		"its node is gone":     {func(p *v1alpha1.ScalePolicy, _ *Facts) { p.Status.Forecast.Nodes = []string{"gone"} }, 20 * time.Minute, 20 * time.Minute},
		"nothing is known":     {func(p *v1alpha1.ScalePolicy, _ *Facts) { p.Status.ColdStart = nil }, 3 * time.Minute, 3 * time.Minute},
		"it has no model":      {func(_ *v1alpha1.ScalePolicy, f *Facts) { f.Workload.Template.Annotations = nil }, 20 * time.Minute, 20 * time.Minute},
		"longer than any sees": {func(p *v1alpha1.ScalePolicy, _ *Facts) { p.Status.ColdStart.Groups[0].P90Seconds = 1 << 30 }, forecast.MaxHorizon - wait, time.Minute},
	} {
		p, f := scene()
		f.Workload.Template.Annotations = map[string]string{v1alpha1.ModelAnnotation: "llama3"}
		f.Nodes[0].Labels = map[string]string{llama: string(v1alpha1.ReadyPhase)}
		p.Status.ColdStart, p.Status.Forecast = slowlyAndFast(), &v1alpha1.ForecastStatus{Nodes: []string{"gpu-1"}}
		seconds := int32(node.Seconds())
		p.Spec.Forecast = &v1alpha1.Forecast{Capacity: &v1alpha1.ForecastCapacity{NodeSeconds: &seconds}}
		row.change(p, &f)
		want := leads{room: min(row.weights+wait+node, forecast.MaxHorizon), weights: row.weights + wait, replicas: row.replicas + wait}
		if got := leadsOf(p, f); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// With the weights on the node, replicas of the morning are forecast a minute ahead and not twenty; until then as for a node without them.
func TestForecaster_MakesReplicasAsLateAsWarmNodesAllow(t *testing.T) {
	t.Parallel()
	s := newStation(t, 21*24*time.Hour, func(p *v1alpha1.ScalePolicy) { p.Status.ColdStart = slowlyAndFast() })
	if f, prefetch := s.at(7, 40); f.Replicas != 5 || prefetch == nil {
		t.Fatalf("20 minutes before, it expects %+v, and has %v", f, prefetch)
	}
	s.facts.Nodes[0].Labels[v1alpha1.ModelLabel("team-a", "llama3")] = string(v1alpha1.ReadyPhase)
	if f, prefetch := s.at(7, 41); f.Replicas != 1 || prefetch == nil {
		t.Errorf("with the weights on the node it expects %+v, and has %v", f, prefetch)
	}
	for minute := 42; minute < 58; minute++ {
		s.at(7, minute)
	}
	if f, prefetch := s.at(7, 58); f.Replicas != 5 || prefetch == nil {
		t.Errorf("two minutes before, it expects %+v, and has %v", f, prefetch)
	}
}
