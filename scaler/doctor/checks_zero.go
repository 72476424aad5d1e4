// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/scaler/demand"
)

// zeroChecks are about none, and about nobody.
var zeroChecks = []check{
	{"cannot-wake", Error, func(o *Object) []said {
		if o.least() > 0 || len(o.Spec.Triggers) == 0 {
			return nil
		}
		for i := range o.Spec.Triggers {
			if wakes(&o.Spec.Triggers[i]) {
				return nil
			}
		}
		return one(said{what: "minReplicaCount is 0, and all that it scales on comes of its own pods", why: "with no pod there is no metric: once it sleeps it never wakes (keda#6040)",
			fix: "minReplicaCount: 1\n# or something in front of the pods that hears of requests, such as an endpoint picker, or an interceptor:\n" + fmt.Sprintf(wakeFix, demand.EndpointPicker("NAMESPACE", "MODEL"))})
	}},
	{"empty-is-zero", Error, func(o *Object) []said {
		return o.queries(func(t *Trigger, q *query) (said, bool) {
			if t.Metadata["ignoreNullValues"] == "false" || q.orZero || !ofPods(q) {
				return said{}, false
			}
			return said{what: "ignoreNullValues is left out: an empty answer is 0", why: "a scrape that fails looks like no demand, and scales down in the middle of it; no fallback comes",
				fix: "metadata:\n  ignoreNullValues: \"false\"\n"}, true
		})
	}},
	{"no-fallback", Warning, func(o *Object) []said {
		if o.Spec.Fallback != nil {
			return nil
		}
		return one(said{what: "there is no fallback", why: "while Prometheus is away the replicas stay as they are, also when there are none",
			fix: fallbackFix})
	}},
	{"fallback-ends-replicas", Error, func(o *Object) []said {
		f := o.Spec.Fallback
		switch {
		case f == nil || f.Behavior != "" && f.Behavior != "static" && f.Behavior != "currentReplicasIfLower":
			return nil // what there is stays
		case f.Replicas == 0:
			return one(said{what: "fallback.replicas is 0", why: "while Prometheus is away it is scaled to zero", fix: fallbackFix})
		default:
			return one(said{what: fmt.Sprintf("the fallback has %d replicas, also where there are more", f.Replicas), why: "Prometheus is away at the peak, and replicas are ended", fix: "fallback:\n  behavior: currentReplicasIfHigher\n"})
		}
	}},
	{"activation-misunderstood", Note, func(o *Object) []said {
		if o.least() > 0 {
			return nil
		}
		return o.each("prometheus", func(t *Trigger) (said, bool) {
			if _, given := t.Metadata["activationThreshold"]; given {
				return said{}, false
			}
			return said{what: "activationThreshold is left out: it wakes at anything above 0", why: "threshold plays no part in waking; say what is meant", fix: "metadata:\n  activationThreshold: \"0\"\n"}, true
		})
	}},
	{"idle-replicas", Error, func(o *Object) []said {
		if n := o.Spec.IdleReplicaCount; n != nil && *n != 0 {
			return one(said{what: fmt.Sprintf("idleReplicaCount is %d", *n), why: "KEDA supports 0 alone", fix: "minReplicaCount: " + strconv.Itoa(int(*n)) + " # in place of idleReplicaCount\n"})
		}
		return nil
	}},
}

// ofPods reports whether a query is of what pods say themselves.
func ofPods(q *query) bool { return slices.ContainsFunc(q.names, inPods) }

// wakes reports whether a trigger can say something while there is no pod.
func wakes(t *Trigger) bool {
	switch {
	case t.Type == "cpu" || t.Type == "memory":
		return false
	case t.Type != "prometheus":
		return true
	case t.query == nil:
		return false
	}
	for _, name := range t.query.names {
		if !inPods(name) && !strings.HasPrefix(name, "hoist_scale_ready") && !strings.HasPrefix(name, "kube_") && name != "up" {
			return true
		}
	}
	return len(t.query.names) == 0 && len(t.query.selectors) > 0 // it is not known
}
