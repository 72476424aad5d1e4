// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/inference"
)

// gpuChecks are about what DCGM's exporter says of GPUs.
var gpuChecks = []check{
	{"gpu-metric", Error, func(o *Object) []said {
		fix := o.asks("vllm:num_requests_waiting")
		return o.queries(func(t *Trigger, q *query) (said, bool) {
			for _, name := range q.names {
				switch {
				case strings.HasPrefix(name, "DCGM_FI_DEV_FB_") && !o.givesBack():
					return said{what: name + " is memory that servers take when they start and keep", why: "it never falls, and so it never scales down", fix: fix}, true
				case utilization(name) && !o.asksOtherwise(t):
					return said{what: name + " is how much of the time the GPU does anything", why: "one request keeps it as busy as a hundred: it says nothing of how many more replicas are needed", fix: fix}, true
				}
			}
			return said{}, false
		})
	}},
	{"gpu-keeps-awake", Warning, func(o *Object) []said {
		return o.queries(func(t *Trigger, q *query) (said, bool) {
			least, err := strconv.ParseFloat(t.Metadata["activationThreshold"], 64)
			return said{what: "anything that a GPU does keeps it awake", why: "one that idles is not always at 0: each time the wait for sleep begins anew",
				fix: "metadata:\n  activationThreshold: \"1000000000\" # never; requests do that\n"}, o.least() == 0 && slices.ContainsFunc(q.names, utilization) && (err != nil || least <= 0)
		})
	}},
	{"exporters-pod", Warning, func(o *Object) []said {
		return o.queries(func(_ *Trigger, q *query) (said, bool) {
			honors := slices.ContainsFunc(q.selectors, func(v *parser.VectorSelector) bool { return dcgm(v) && has(v, "exported_pod") })
			for _, v := range q.selectors {
				if dcgm(v) && has(v, "pod") && !has(v, "exported_pod") && !honors {
					return said{what: "pod is the exporter's own, unless Prometheus is told to honor its labels", why: "the query matches nothing, and nothing is 0: it never scales up",
						fix: "# of the exporter's ServiceMonitor:\nspec: {endpoints: [{honorLabels: true}]}\n---\n# or\nquery: sum(METRIC{exported_namespace=\"" + orName(o.Namespace, "NAMESPACE") + "\",exported_pod=~\"...\"})\n"}, true
				}
			}
			return said{}, false
		})
	}},
}

func utilization(name string) bool {
	return strings.HasPrefix(name, "DCGM_FI_DEV_GPU_UTIL") || strings.HasPrefix(name, "DCGM_FI_PROF_GR_ENGINE_ACTIVE")
}

func dcgm(v *parser.VectorSelector) bool {
	return slices.ContainsFunc(named(v), func(name string) bool { return strings.HasPrefix(name, "DCGM_") })
}

func has(v *parser.VectorSelector, label string) bool {
	for _, m := range v.LabelMatchers {
		if m.Name == label {
			return true
		}
	}
	return false
}

// asksOtherwise reports whether another trigger than this asks Prometheus for something that is not a GPU's.
func (o *Object) asksOtherwise(this *Trigger) bool {
	for i := range o.Spec.Triggers {
		t := &o.Spec.Triggers[i]
		if t != this && t.query != nil && slices.ContainsFunc(t.query.names, func(name string) bool { return !strings.HasPrefix(name, "DCGM_") }) {
			return true
		}
	}
	return false
}

// givesBack reports whether the server gives VRAM back, as far as is known. A ScalePolicy has seen to it.
func (o *Object) givesBack() bool {
	if owner := metav1.GetControllerOf(&o.ObjectMeta); owner != nil && owner.Kind == "ScalePolicy" {
		return true
	}
	if o.Facts == nil || o.Facts.Pod == nil {
		return false
	}
	for i := range o.Facts.Pod.Spec.Containers {
		c := &o.Facts.Pod.Spec.Containers[i]
		if server := inference.Recognize(c, ""); server != nil {
			return server.KeepsVRAM(c, false) == ""
		}
	}
	return false
}
