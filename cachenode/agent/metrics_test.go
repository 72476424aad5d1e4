// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

var _ fetch.Observer = (*Metrics)(nil)

// K4: docs/serve.md lists each metric that exists, and no other.
func TestMetrics_AreAsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, name := range regexp.MustCompile("`(hoist_[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		documented[name[1]] = true
	}
	existing := map[string]bool{}
	for _, name := range metricNames() {
		existing[name] = true
		if !documented[name] {
			t.Errorf("%s is not in docs/serve.md", name)
		}
	}
	for name := range documented {
		if !existing[name] {
			t.Errorf("docs/serve.md has %s, which does not exist", name)
		}
	}
}

func metricNames() []string {
	m := NewMetrics("v1")
	descriptions := make(chan *prometheus.Desc, 1000)
	m.registry.Describe(descriptions)
	newWatcher(nil).Describe(descriptions)
	close(descriptions)
	name := regexp.MustCompile(`fqName: "(hoist_[a-z_]+)"`)
	var names []string
	for d := range descriptions {
		if found := name.FindStringSubmatch(d.String()); found != nil {
			names = append(names, found[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// J10: whatever happens, labels stay in their fixed sets.
func TestMetrics_LabelsAreBounded(t *testing.T) {
	t.Parallel()
	m := NewMetrics("v1")
	for _, kind := range []error{nil, cachenode.ErrThrottled, cachenode.ErrUnavailable} {
		m.Retried(kind)
		m.filled(0, 1, kind)
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"other", "error", "ok", "v1", cachenode.ErrThrottled.Error(), cachenode.ErrUnavailable.Error()}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if slices.Contains([]string{"cause", "result", "origin"}, label.GetName()) && !slices.Contains(known, label.GetValue()) {
					t.Errorf("%s has %s=%q", family.GetName(), label.GetName(), label.GetValue())
				}
			}
		}
	}
}
