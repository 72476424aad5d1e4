// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"context"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// mostTargets is how many targets of a metric are looked at.
const mostTargets = 100

// ScrapeInterval is the longest time between two scrapes of the targets that have a metric. It is [ErrUnknown] where no target has it, as behind a
// federation or a remote write.
func (p *Prometheus) ScrapeInterval(ctx context.Context, metric string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	known, err := p.api.TargetsMetadata(ctx, "", metric, "")
	if err != nil {
		return 0, p.who.clean(err)
	}
	has := map[string]bool{}
	for i := range known[:min(len(known), mostTargets)] {
		has[identity(known[i].Target)] = true
	}
	targets, err := p.api.Targets(ctx)
	if err != nil {
		return 0, p.who.clean(err)
	}
	var longest time.Duration
	for i := range targets.Active {
		if interval, ok := intervalOf(&targets.Active[i]); ok && has[identity(plain(targets.Active[i].Labels))] {
			longest = max(longest, interval)
		}
	}
	if longest == 0 {
		return 0, ErrUnknown
	}
	return longest, nil
}

// intervalOf is what the target was discovered with, after Prometheus has put in its defaults.
func intervalOf(target *promv1.ActiveTarget) (time.Duration, bool) {
	interval, err := model.ParseDuration(target.DiscoveredLabels["__scrape_interval__"])
	return time.Duration(interval), err == nil && interval > 0
}

func identity(labels map[string]string) string {
	set := model.LabelSet{}
	for name, value := range labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return set.String()
}

func plain(set model.LabelSet) map[string]string {
	labels := make(map[string]string, len(set))
	for name, value := range set {
		labels[string(name)] = string(value)
	}
	return labels
}
