// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/hoist-dev/hoist/scaler/demand"
)

// fronts are metrics of what stands in front of pods, and the labels without which requests for anything count.
var fronts = []struct {
	prefix string
	labels []string
	fix    string
}{
	{"llm_d_epp_", []string{"model_name"}, demand.EndpointPicker("NAMESPACE", "MODEL")},
	{"inference_extension_flow_control_", []string{"model_name"}, demand.EndpointPicker("NAMESPACE", "MODEL")},
	{demand.InterceptorConcurrency, []string{"route_name", "route_namespace"}, demand.HTTPAddOn("keda", "NAMESPACE", "ROUTE")},
}

const wakeFix = `triggers:
  - type: prometheus
    name: wake
    metricType: AverageValue
    metadata:
      query: '%s'
      threshold: "22"
      activationThreshold: "0"
`

// wakeChecks are about what wakes targets that nobody meant, or for ever.
var wakeChecks = []check{
	{"awake-for-ever", Error, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			i := slices.IndexFunc(q.names, func(name string) bool { return strings.HasSuffix(name, "_pool_saturation") })
			if i < 0 || o.least() > 0 {
				return said{}, false
			}
			return said{what: q.names[i] + " is 1 for a pool without endpoints", why: "it wakes what has just been put to sleep, and never lets it sleep",
				fix: fmt.Sprintf(wakeFix, demand.EndpointPicker("NAMESPACE", "MODEL"))}, true
		})
	}},
	{"metric-renamed", Warning, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			for _, name := range q.names {
				if name == "interceptor_pending_request_count" || name == "interceptor_pending_requests" {
					return said{what: name + " is gone from KEDA's HTTP add-on since 0.14", why: "what is gone is read as 0: it never wakes. Before, it was by the Host of requests, which anybody can make up",
						fix: fmt.Sprintf(wakeFix, demand.HTTPAddOn("keda", "NAMESPACE", "ROUTE"))}, true
				}
			}
			return said{}, false
		})
	}},
	{"wakes-for-anybody", Warning, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			if o.least() > 0 {
				return said{}, false
			}
			for _, v := range q.selectors {
				for _, name := range named(v) {
					for _, front := range fronts {
						if label := lacks(v, front.labels); strings.HasPrefix(name, front.prefix) && label != "" {
							return said{what: fmt.Sprintf("%s is asked for without an exact %s", name, label), why: "a request for anything else, or for what somebody made up, wakes a GPU",
								fix: fmt.Sprintf(wakeFix, front.fix)}, true
						}
					}
				}
			}
			return said{}, false
		})
	}},
}

// lacks is the first of the labels that a selector does not match exactly, or "".
func lacks(v *parser.VectorSelector, names []string) string {
	for _, name := range names {
		exactly := func(m *labels.Matcher) bool { return m.Name == name && m.Type == labels.MatchEqual && m.Value != "" }
		if !slices.ContainsFunc(v.LabelMatchers, exactly) {
			return name
		}
	}
	return ""
}
