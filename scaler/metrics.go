// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
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
	coldStart     = prometheus.NewDesc("hoist_scale_cold_start_seconds", "Seconds from wanted to Ready, of the last starts of a policy's target.", []string{"policy", "quantile"}, nil)
)

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	to <- readyReplicas
	to <- maxReplicas
	to <- coldStart
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
		if c := p.Status.ColdStart; c != nil {
			gauge(coldStart, float64(c.P50Seconds), name, "0.5")
			gauge(coldStart, float64(c.P90Seconds), name, "0.9")
		}
	}
}
