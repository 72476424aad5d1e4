// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"

	"github.com/hoist-dev/hoist/api/capacity"
)

// hpaPeriod is how often an HPA looks, in seconds: --horizontal-pod-autoscaler-sync-period by default.
const hpaPeriod = 15

// clusterChecks need what a cluster says.
var clusterChecks = []check{
	{"target-missing", Error, func(o *Object) []said {
		if o.Facts == nil || o.Facts.Pod != nil {
			return nil
		}
		return one(said{what: "there is no " + orName(o.Spec.ScaleTargetRef.Kind, "Deployment") + " " + o.Spec.ScaleTargetRef.Name, why: "there is nothing to scale"})
	}},
	{"quota-too-small", Error, func(o *Object) []said {
		if o.Facts == nil || o.Facts.Pod == nil {
			return nil
		}
		room, why := capacity.UnderQuota(o.Facts.Pod, o.Facts.Quotas)
		admitted, most := room+int64(o.Facts.Replicas), int64(value(o.Spec.MaxReplicaCount, 100))
		if admitted >= most {
			return nil
		}
		return one(said{what: fmt.Sprintf("%s admits %d replicas, and maxReplicaCount is %d", why, admitted, most),
			why: "pods above a quota are not Pending, they are never made: the ReplicaSet has the event FailedCreate, and the HPA waits for ever", fix: fmt.Sprintf("maxReplicaCount: %d\n", max(admitted, 1))})
	}},
	{"pods-not-made", Error, func(o *Object) []said {
		if o.Facts == nil || o.Facts.Failed == "" {
			return nil
		}
		return one(said{what: "its pods can't be made: " + o.Facts.Failed, why: "they are not Pending, and kubectl get pods does not show them"})
	}},
	{"hpa-unknown", Warning, func(o *Object) []said {
		if o.Facts == nil || o.Facts.HPA == "" || o.Facts.Replicas == 0 { // at zero KEDA switches it off
			return nil
		}
		return one(said{what: "the HPA does not scale: " + o.Facts.HPA, why: "<unknown> is all that kubectl get hpa says of it"})
	}},
	{"scraped-rarely", Warning, func(o *Object) []said {
		if o.Facts == nil {
			return nil
		}
		for _, name := range o.Names() {
			if every := o.Facts.Scraped[name]; every > hpaPeriod {
				return one(said{what: fmt.Sprintf("%s is scraped every %d s", name, every),
					why: fmt.Sprintf("the HPA looks every %d s, and sees what was: each decision, and each step from zero, is up to %d s late", hpaPeriod, every),
					fix: "# of the ServiceMonitor or PodMonitor:\nspec: {endpoints: [{interval: 10s}]}\n"})
			}
		}
		return nil
	}},
	{"keda-not-ready", Error, func(o *Object) []said {
		for _, c := range o.Status.Conditions {
			if c.Type == "Ready" && c.Status == "False" {
				return one(said{what: "KEDA: " + c.Message, why: "it scales nothing"})
			}
		}
		return nil
	}},
	{"in-fallback", Warning, func(o *Object) []said {
		for _, c := range o.Status.Conditions {
			if c.Type == "Fallback" && c.Status == "True" {
				return one(said{what: "KEDA keeps the fallback", why: "it can't read the demand: " + c.Message})
			}
		}
		return nil
	}},
}

// Names are the metrics that its queries ask for, each once.
func (o *Object) Names() (names []string) {
	seen := map[string]bool{}
	for i := range o.Spec.Triggers {
		if q := o.Spec.Triggers[i].query; q != nil {
			for _, name := range q.names {
				if !seen[name] {
					seen[name] = true
					names = append(names, name)
				}
			}
		}
	}
	return names
}
