// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hoist-dev/hoist/cachenode"
)

// Watch adds the gauges that are read from the node at each scrape.
func (m *Metrics) Watch(n *Node) { m.registry.MustRegister(newWatcher(n)) }

// watcher turns a Status into gauges: they can't disagree with /status.
type watcher struct {
	node *Node

	disk, copies, leases, health, ready *prometheus.Desc
	evictions                           *prometheus.Desc
	models, modelBytes                  *prometheus.Desc
	queued, connections, speed          *prometheus.Desc
}

func newWatcher(n *Node) *watcher {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &watcher{
		node:        n,
		disk:        desc("hoist_disk_bytes", "The cache's disk: used and reserved by the cache, its budget, free on the file system, floor to keep free.", "kind"),
		copies:      desc("hoist_cache_copies", "Revisions present."),
		evictions:   desc("hoist_cache_evictions_total", "Revisions evicted to make room."),
		leases:      desc("hoist_cache_leases", "Leases on copies."),
		health:      desc("hoist_disk_healthy", "1 if the disk is in this state, by state.", "state"),
		ready:       desc("hoist_node_ready", "1 if every model is present and the disk works."),
		models:      desc("hoist_models", "Models that the node keeps, by phase.", "phase"),
		modelBytes:  desc("hoist_model_bytes", "Bytes of models being brought up to date or present: done and in all.", "kind"),
		queued:      desc("hoist_fetch_queued_chunks", "Chunks that wait for a connection, by priority.", "priority"),
		connections: desc("hoist_fetch_connections", "Connections in use."),
		speed:       desc("hoist_fetch_bytes_per_second", "Goodput over the last second or so."),
	}
}

// Describe implements prometheus.Collector.
func (w *watcher) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{w.disk, w.copies, w.evictions, w.leases, w.health, w.ready, w.models, w.modelBytes, w.queued, w.connections, w.speed} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (w *watcher) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	s := w.node.Status()
	for kind, bytes := range map[string]int64{"used": s.Cache.Used, "reserved": s.Cache.Reserved, "budget": s.Cache.Budget,
		"free": s.Cache.FreeDisk, "floor": s.Cache.FreeFloor} {
		gauge(w.disk, float64(bytes), kind)
	}
	ch <- prometheus.MustNewConstMetric(w.evictions, prometheus.CounterValue, float64(s.Cache.Evicted))
	gauge(w.copies, float64(s.Cache.Copies))
	gauge(w.leases, float64(s.Cache.Leases))
	gauge(w.ready, truth(s.Ready))
	for _, state := range []string{"Normal", "Unstable", "Down"} {
		gauge(w.health, truth(s.Cache.Health == state), state)
	}
	phases := map[Phase]int{Pending: 0, Fetching: 0, Ready: 0, Failed: 0}
	var done, total int64
	for _, m := range s.Models {
		phases[m.Phase]++
		done, total = done+m.BytesDone, total+m.Bytes
	}
	for phase, n := range phases {
		gauge(w.models, float64(n), string(phase))
	}
	gauge(w.modelBytes, float64(done), "done")
	gauge(w.modelBytes, float64(total), "total")
	for p := range cachenode.Priority(cachenode.Priorities) {
		gauge(w.queued, float64(s.Fetch.Queued[p.String()]), p.String())
	}
	gauge(w.connections, float64(s.Fetch.Connections))
	gauge(w.speed, float64(s.Fetch.BytesPerSecond))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
