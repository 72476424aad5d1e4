// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

const demandFix = `triggers:
  - type: prometheus
    name: demand
    metricType: AverageValue
    metadata:
      query: |
        sum({__name__=~"%s",namespace="NAMESPACE",pod=~"%s"})
      threshold: "22" # 70 %% of the requests that one replica works on at a time
      ignoreNullValues: "false"
`

var queryChecks = []check{
	{"query-unreadable", Error, func(o *Object) []said {
		return o.each("prometheus", func(t *Trigger) (said, bool) {
			if t.broken == nil {
				return said{}, false
			}
			return said{what: "the query can't be read: " + t.broken.Error(), why: "every look at it fails, and with it the ScaledObject",
				fix: o.asks("vllm:num_requests_waiting")}, true
		})
	}},
	{"metric-does-not-exist", Error, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			for _, name := range q.names {
				if right, wrong := meant(name); wrong {
					called := right + " is what it is called"
					if !slices.Contains(both(right), right) {
						called += ", which counts no requests; these do"
					}
					return said{what: fmt.Sprintf("no server has a metric %s", name),
						why: "KEDA reads what does not exist as 0, without an error, an event or a fallback: it never scales up",
						fix: "# " + called + "\n" + o.asks(right)}, true
				}
			}
			return said{}, false
		})
	}},
	{"metric-not-in-prometheus", Error, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			if o.Metrics == nil {
				return said{}, false
			}
			for _, name := range q.names {
				if _, wrong := meant(name); !wrong && !o.Metrics.Known[name] && !o.mayBeSilent(q, name) {
					return said{what: fmt.Sprintf("Prometheus has no metric %s now", name), why: "nothing scrapes it, the server has another version, or no pod has run yet", fix: scrapes(o, name)}, true
				}
			}
			return said{}, false
		})
	}},
	{"metric-silent", Note, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			if o.Metrics == nil {
				return said{}, false
			}
			var silent []string
			for _, name := range q.names {
				if _, wrong := meant(name); wrong {
					return said{}, false
				}
				if !o.mayBeSilent(q, name) {
					continue
				}
				if o.Metrics.Known[name] {
					return said{}, false // one of several is enough
				}
				silent = append(silent, name)
			}
			if len(silent) == 0 {
				return said{}, false
			}
			counts := ""
			if q.orZero {
				counts = ", which counts as 0"
			}
			return said{what: "Prometheus has no metric " + strings.Join(silent, ", nor ") + " now" + counts,
				why: "it may be that nothing has happened yet: many are not there before the first request, and a server's not while all sleep. Or nothing scrapes it",
				fix: scrapes(o, silent[0])}, true
		})
	}},
	{"divided-twice", Error, func(o *Object) []said {
		return o.queries(func(t *Trigger, q *query) (said, bool) {
			if !q.averaged || t.MetricType != "" && t.MetricType != "AverageValue" {
				return said{}, false
			}
			return said{what: "the query is an average over pods, and AverageValue divides by the replicas again",
				why: "replicas settle at the square root of what is needed, or swing: with 100 requests waiting and a threshold of 5 it goes 10, 2, 10, 2",
				fix: o.asks(first(q))}, true
		})
	}},
	{"several-elements", Error, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			return said{what: "the query can give more than one element", why: "KEDA takes one, and fails with more: as soon as there is a second pod",
				fix: o.asks(first(q))}, !q.single
		})
	}},
	{"queue-alone", Error, func(o *Object) []said {
		counted := map[string]bool{}
		for i := range o.Spec.Triggers {
			if q := o.Spec.Triggers[i].query; q != nil {
				for _, name := range q.names {
					counted[name] = true
				}
			}
		}
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			for _, name := range q.names {
				right := name
				if other, wrong := meant(name); wrong {
					right = other
				}
				if s, queue := waiting[right]; queue && (s.running == "" || !counted[s.running]) && o.least() == 0 {
					fix := o.asks(right)
					if s.running == "" {
						fix = "minReplicaCount: 1 # " + s.server + " does not tell of requests that run\n"
					}
					return said{what: name + " counts the requests that wait, not those that run, and minReplicaCount is 0",
						why: "a server that is full and has no queue reads 0: after cooldownPeriod KEDA ends all replicas at once, in the middle of their work", fix: fix}, true
				}
			}
			return said{}, false
		})
	}},
	{"late-signal", Warning, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			right := first(q)
			if other, wrong := meant(right); wrong {
				right = other
			}
			s, queue := waiting[right]
			return said{what: "it scales on a queue", why: "a queue is 0 until the servers are full; what is missing then is missing for a whole cold start. Requests in flight rise before",
				fix: o.asks(right)}, queue && s.running != "" && !slices.Contains(q.names, s.running)
		})
	}},
	{"no-namespace", Warning, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			for _, v := range q.selectors {
				of, pods := "", false
				for _, m := range v.LabelMatchers {
					if m.Name == "namespace" || m.Name == "exported_namespace" {
						of = m.Value
					}
					pods = pods || m.Name == "pod"
				}
				if of == "" && pods {
					return said{what: "the query names pods, and no namespace", why: "pods of the same name elsewhere count, too", fix: "# in each selector\nquery: sum(METRIC{namespace=\"" + orName(o.Namespace, "NAMESPACE") + "\",pod=~\"...\"})\n"}, true
				}
			}
			return said{}, false
		})
	}},
	{"pods-too-wide", Warning, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			for _, v := range q.selectors {
				for _, m := range v.LabelMatchers {
					if m.Name == "pod" && m.Type == labels.MatchRegexp && (strings.HasSuffix(m.Value, ".*") || strings.HasSuffix(m.Value, ".+")) {
						kind := "Deployment"
						if o.numbered() {
							kind = "StatefulSet"
						}
						return said{what: fmt.Sprintf("pod=~%q also matches the pods of every %s whose name begins so, such as a canary's", m.Value, kind), why: "their requests count as this one's",
							fix: fmt.Sprintf("# a %s's pods, and no other's\nquery: sum(METRIC{pod=~%q})\n", kind, o.pods(orName(o.Spec.ScaleTargetRef.Name, "TARGET")))}, true
					}
				}
			}
			return said{}, false
		})
	}},
}

// mayBeSilent reports whether a metric may be missing: the query has another answer then, or the metric is of pods, and there are none.
func (o *Object) mayBeSilent(q *query, name string) bool {
	return q.orZero || slices.Contains(q.optional, name) || o.Facts != nil && o.Facts.Replicas == 0 && inPods(name)
}

// asks is how to ask for the requests at the server that a metric is of.
func (o *Object) asks(name string) string {
	return fmt.Sprintf(demandFix, strings.Join(both(name), "|"), o.pods("TARGET"))
}

// numbered reports whether the target numbers its pods.
func (o *Object) numbered() bool { return o.Spec.ScaleTargetRef.Kind == "StatefulSet" }

// pods is the pattern of the names of a target's pods.
func (o *Object) pods(target string) string {
	if o.numbered() {
		return target + "-[0-9]+"
	}
	return target + "-[a-z0-9]+-[a-z0-9]{5}"
}

// scrapes is what to write for a metric that is not there: the one that was meant, if its name is nearly that of another, or what scrapes it.
func scrapes(o *Object, name string) string {
	if other := nearest(name); other != "" {
		return fmt.Sprintf("# is %s meant?\n", other) + o.asks(other)
	}
	return fmt.Sprintf("apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: %s, namespace: %s}\nspec: {selector: {matchLabels: {app: %s}}, podMetricsEndpoints: [{port: http, interval: 10s}]}\n",
		orName(o.Spec.ScaleTargetRef.Name, "TARGET"), orName(o.Namespace, "NAMESPACE"), orName(o.Spec.ScaleTargetRef.Name, "TARGET"))
}

// both are the metrics of what runs and of what waits at the server that a metric is of. They alone count requests, as the threshold does; the
// metric itself may be a share, or a time.
func both(name string) []string {
	if right, wrong := meant(name); wrong {
		name = right
	}
	for queue, s := range waiting {
		if s.running != "" && family(name) == family(queue) {
			return []string{s.running, queue}
		}
	}
	return []string{name}
}

func first(q *query) string {
	if len(q.names) == 0 {
		return "METRIC"
	}
	return q.names[0]
}

func orName(name, other string) string {
	if name == "" {
		return other
	}
	return name
}
