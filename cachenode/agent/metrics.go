// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/disk"
)

// Metrics are the node's counters, under the prefix hoist_, in base units, with
// labels from fixed sets only: never a key, a URI or an address. It implements
// fetch.Observer. Gauges are read from the node when they are scraped, see watch.go.
type Metrics struct {
	registry *prometheus.Registry

	received *prometheus.CounterVec
	chunks   *prometheus.HistogramVec
	retries  *prometheus.CounterVec
	hedges   prometheus.Counter
	limit    prometheus.Gauge
	lookups  *prometheus.CounterVec
	fills    *prometheus.HistogramVec
	mounts   *prometheus.HistogramVec
	ahead    prometheus.Counter
	gpuBytes *prometheus.GaugeVec
	scrubbed prometheus.Counter
	rotten   prometheus.Counter
}

// NewMetrics makes the metrics of one process in a registry of their own.
func NewMetrics(version string) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		received: counters("hoist_fetch_received_bytes_total", "Bytes received, by kind of origin.", "origin"),
		chunks: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hoist_fetch_chunk_seconds",
			Help: "Time to fetch a chunk (16 MiB or less), by kind of origin.", Buckets: prometheus.ExponentialBuckets(0.01, 2, 12)}, []string{"origin"}),
		retries: counters("hoist_fetch_retries_total", "Failed requests that may be retried, by cause.", "cause"),
		hedges:  counter("hoist_fetch_hedges_total", "Second requests for slow chunks."),
		limit:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "hoist_fetch_connection_limit", Help: "Connections that the scheduler finds worth having now."}),
		lookups: counters("hoist_cache_lookups_total", "Models that the node was told to keep: a hit was on its disk already.", "result"),
		fills: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hoist_fill_seconds",
			Help: "Time to make a revision present, by result.", Buckets: prometheus.ExponentialBuckets(0.5, 2, 14)}, []string{"result"}),
		mounts: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hoist_mount_seconds",
			Help: "Time to mount a model into a pod, by gRPC code; a pod that waits for a download is answered DeadlineExceeded and asks again.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 16)}, []string{"code"}),
		ahead: counter("hoist_read_ahead_bytes_total", "Bytes brought into the page cache while the pods that mount them start."),
		gpuBytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hoist_gpu_bytes",
			Help: "Memory of each GPU: in all, and used by processes."}, []string{"gpu", "uuid", "kind"}),
		scrubbed: counter("hoist_scrub_bytes_total", "Bytes read and compared in the search for bit rot."),
		rotten:   counter("hoist_scrub_corrupt_total", "Revisions quarantined because their bytes changed on disk."),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "hoist_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(build, m.received, m.chunks, m.retries, m.hedges, m.limit, m.lookups, m.fills, m.mounts, m.ahead, m.gpuBytes, m.scrubbed, m.rotten,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Received counts bytes that arrived.
func (m *Metrics) Received(origin string, bytes int64) {
	m.received.WithLabelValues(origin).Add(float64(bytes))
}

// Mounted times a mount into a pod, by the gRPC code that the kubelet was answered.
func (m *Metrics) Mounted(code string, took time.Duration) {
	m.mounts.WithLabelValues(code).Observe(took.Seconds())
}

// readAhead counts bytes that came into the page cache. Under pressure others may have gone meanwhile: no less than none.
func (m *Metrics) readAhead(bytes int64) { m.ahead.Add(float64(max(bytes, 0))) }

// GPU says how much memory of a GPU is used, of how much in all, in bytes.
func (m *Metrics) GPU(index int, uuid string, used, total int64) {
	gpu := strconv.Itoa(index)
	m.gpuBytes.WithLabelValues(gpu, uuid, "used").Set(float64(used))
	m.gpuBytes.WithLabelValues(gpu, uuid, "total").Set(float64(total))
}

// Fetched times a chunk.
func (m *Metrics) Fetched(origin string, took time.Duration) {
	m.chunks.WithLabelValues(origin).Observe(took.Seconds())
}

// Retried counts a failed request by its kind, one of the cachenode errors.
func (m *Metrics) Retried(kind error) {
	cause := "other"
	if kind != nil {
		cause = kind.Error()
	}
	m.retries.WithLabelValues(cause).Inc()
}

// Hedged counts a second request.
func (m *Metrics) Hedged() { m.hedges.Inc() }

// LimitChanged shows the scheduler's limit on connections.
func (m *Metrics) LimitChanged(connections int) { m.limit.Set(float64(connections)) }

// looked records that a model was asked for, and whether it was there.
func (m *Metrics) looked(hit bool) {
	result := "miss"
	if hit {
		result = "hit"
	}
	m.lookups.WithLabelValues(result).Inc()
}

// filled records how a download ended, and how many bytes it took: a look at the
// origin that found nothing new is none.
func (m *Metrics) filled(took time.Duration, fetched int64, err error) {
	result := "ok"
	switch {
	case err == nil && fetched == 0:
		return
	case err != nil && cachenode.KindOf(err) == nil:
		result = "error"
	case err != nil:
		result = cachenode.KindOf(err).Error()
	}
	m.fills.WithLabelValues(result).Observe(took.Seconds())
}

// scrubbedBy counts what a search for bit rot read and found.
func (m *Metrics) scrubbedBy(r disk.ScrubResult) {
	m.scrubbed.Add(float64(r.Bytes))
	m.rotten.Add(float64(len(r.Quarantined)))
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
