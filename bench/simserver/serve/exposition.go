// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"fmt"
	"slices"
	"strings"
)

// exposition is the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).
type exposition struct {
	text   []byte
	labels []string // of all metrics that follow
}

func (e *exposition) gauge(name string, value float64, labels ...string) {
	e.family(name, "gauge")
	e.sample(name, value, labels...)
}

func (e *exposition) counter(name string, value int, labels ...string) {
	e.family(name, "counter")
	e.sample(name, float64(value), labels...)
}

func (e *exposition) histogram(name string, h histogram) {
	e.family(name, "histogram")
	for i, bound := range bounds {
		e.sample(name+"_bucket", float64(h.buckets[i]), label("le", fmt.Sprint(bound)))
	}
	e.sample(name+"_bucket", float64(h.count), label("le", "+Inf"))
	e.sample(name+"_sum", h.sum)
	e.sample(name+"_count", float64(h.count))
}

func (e *exposition) family(name, kind string) {
	e.text = fmt.Appendf(e.text, "# HELP %s Simulated.\n# TYPE %s %s\n", name, name, kind)
}

func (e *exposition) sample(name string, value float64, labels ...string) {
	if labels = slices.Concat(e.labels, labels); len(labels) > 0 {
		name += "{" + strings.Join(labels, ",") + "}"
	}
	e.text = fmt.Appendf(e.text, "%s %v\n", name, value)
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func label(name, value string) string { return name + `="` + escaper.Replace(value) + `"` }
