// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/hoist-dev/hoist/bench/scale/policy"
	"github.com/hoist-dev/hoist/bench/scale/sim"
	"github.com/hoist-dev/hoist/bench/scale/trace"
	"github.com/hoist-dev/hoist/scaler/forecast"
)

const (
	// publishing is how old a forecast gets before the next one is scraped.
	publishing = time.Minute
	// seeing is from a demand to an HPA that sees it: a scrape, and a sync.
	seeing = sim.ScrapeEvery + 15*time.Second
)

// lead is the time before which a demand must be seen.
func lead(coldStart time.Duration) time.Duration { return seeing + coldStart + publishing }

// forecasts makes each minute, of the minutes before, the peak within the lead, as a controller does; 0 while there is no forecast, or
// none that pays.
func forecasts(counts []float64, service, ahead time.Duration) (gauge policy.Gauge, why error) {
	model := forecast.New(nil)
	quantile := forecast.ForReplicas(ahead - publishing)
	gauge = make(policy.Gauge, len(counts))
	for i := range counts {
		now := trace.Monday.Add(time.Duration(i) * time.Minute)
		if i > 0 {
			model.Observe(forecast.Sample{At: now.Add(-time.Minute), Rate: counts[i-1] / 60})
		}
		peak, err := model.Peak(now, ahead, quantile)
		if err != nil {
			why = err
			continue
		}
		why = nil
		if model.Foresees(ahead) {
			gauge[i] = peak * service.Seconds()
		}
	}
	return gauge, why
}

// naive takes what the same minutes of a season ago had at most.
func naive(counts []float64, service, ahead, season time.Duration) policy.Gauge {
	gauge := make(policy.Gauge, len(counts))
	back := int(season / time.Minute)
	for i := back; i < len(gauge); i++ {
		gauge[i] = most(counts, i-back, ahead) / 60 * service.Seconds()
	}
	return gauge
}

// seasonal knows the mean rate of what comes again, and none of what does not, within the cold start and a minute: no forecast can know more.
func seasonal(rate trace.Rate, minutes int, service, coldStart time.Duration) policy.Gauge {
	if rate == nil {
		return nil
	}
	counts := make([]float64, minutes)
	for i := range counts {
		for second := range 60 {
			counts[i] = max(counts[i], 60*rate(time.Duration(i)*time.Minute+time.Duration(second)*time.Second))
		}
	}
	return oracle(counts, service, coldStart)
}

// oracle knows what comes within the cold start and a minute.
func oracle(counts []float64, service, coldStart time.Duration) policy.Gauge {
	gauge := make(policy.Gauge, len(counts))
	for i := range gauge {
		gauge[i] = most(counts, i, coldStart+publishing) / 60 * service.Seconds()
	}
	return gauge
}

// most is the highest count from a minute on, up to and with the one in which ahead is over.
func most(counts []float64, from int, ahead time.Duration) float64 {
	highest := 0.0
	for i := from; i <= from+int(ahead/time.Minute)+1 && i < len(counts); i++ {
		highest = max(highest, counts[i])
	}
	return highest
}
