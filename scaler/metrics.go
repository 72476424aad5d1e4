// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
	"github.com/hoist-dev/hoist/scaler/demand"
)

// Metrics tells Prometheus of policies. Every replica of the controller does, from its cache, so that what queries go by outlives a leader.
type Metrics struct {
	Policies *PolicyReconciler
	Forecast *Forecaster // of the replica that leads; what another one has said before grows old
}

var (
	readyReplicas = prometheus.NewDesc(demand.ReadyReplicas, "Replicas of a policy's target that are ready.", []string{"policy"}, nil)
	maxReplicas   = prometheus.NewDesc("hoist_scale_max_replicas", "Replicas of a policy's target that there may be.", []string{"policy"}, nil)
	forecasts     = prometheus.NewDesc(demand.ForecastReplicas, "Replicas that a policy's target will likely need within a cold start.", []string{"policy"}, nil)
	forecastAt    = prometheus.NewDesc(demand.ForecastTimestamp, "When that was forecast, in seconds since 1970.", []string{"policy"}, nil)
	coldStart     = prometheus.NewDesc("hoist_scale_cold_start_seconds", "Seconds from wanted to Ready, of the last starts of a policy's target: of all, and of those on an accelerator with its weights there (Warm) or not (Cold).", []string{"policy", "accelerator", "weights", "quantile"}, nil)
	coldPhase     = prometheus.NewDesc("hoist_scale_cold_start_phase_seconds", "Seconds that a phase of those starts took, by what ended it.", []string{"policy", "accelerator", "weights", "phase", "quantile"}, nil)
)

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	to <- readyReplicas
	to <- maxReplicas
	to <- coldStart
	to <- coldPhase
	to <- forecasts
	to <- forecastAt
}

// Collect implements prometheus.Collector. What can't be read is left out: none is not zero.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) //nolint:forbidigo // a collector is handed none, and this one reads a cache
	defer cancel()
	var policies v1alpha1.ScalePolicyList
	if err := m.Policies.Client.List(ctx, &policies, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	said, at := m.Forecast.expectations()
	for policy, expected := range said {
		gauge(forecasts, float64(expected.replicas), policy)
		gauge(forecastAt, float64(at.Unix()), policy)
	}
	for i := range policies.Items {
		p := &policies.Items[i]
		name := p.Namespace + "/" + p.Name
		if w, err := m.Policies.workload(ctx, p); err == nil && w != nil {
			gauge(readyReplicas, float64(w.Ready), name)
		}
		if p.Status.MaxReplicas > 0 {
			gauge(maxReplicas, float64(p.Status.MaxReplicas), name)
		}
		if p.Status.ColdStart != nil {
			coldStarts(p.Status.ColdStart, name, gauge)
		}
	}
}

// coldStarts are the quantiles of all starts, which have no accelerator and no weights, and of each group: 2 and 14 numbers each.
func coldStarts(c *v1alpha1.ColdStartStatus, policy string, gauge func(desc *prometheus.Desc, value float64, labels ...string)) {
	gauge(coldStart, float64(c.P50Seconds), policy, "", "", "0.5")
	gauge(coldStart, float64(c.P90Seconds), policy, "", "", "0.9")
	for _, g := range c.Groups {
		gauge(coldStart, float64(g.P50Seconds), policy, g.Accelerator, string(g.Weights), "0.5")
		gauge(coldStart, float64(g.P90Seconds), policy, g.Accelerator, string(g.Weights), "0.9")
	}
	for _, p := range coldstart.Phases(c) {
		gauge(coldPhase, float64(p.P50), policy, p.Accelerator, string(p.Weights), p.Name, "0.5")
		gauge(coldPhase, float64(p.P90), policy, p.Accelerator, string(p.Weights), p.Name, "0.9")
	}
}
