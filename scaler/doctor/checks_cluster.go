// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/api/capacity"
)

// hpaPeriod is how often an HPA looks, in seconds: --horizontal-pod-autoscaler-sync-period by default.
const hpaPeriod = 15

const (
	fallbackFix = "fallback:\n  failureThreshold: 15 # 75 s at a pollingInterval of 5\n  replicas: 2\n  behavior: currentReplicasIfHigher\n"
	addressFix  = "metadata:\n  serverAddress: http://prometheus-operated.monitoring.svc:9090\n"
)

// clusterChecks need what a cluster says.
var clusterChecks = []check{
	{"target-missing", Error, func(o *Object) []said {
		if o.Facts == nil || o.Facts.Pod != nil {
			return nil
		}
		return one(said{what: "there is no " + orName(o.Spec.ScaleTargetRef.Kind, "Deployment") + " " + o.Spec.ScaleTargetRef.Name, why: "there is nothing to scale",
			fix: "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: " + strconv.Quote(o.Spec.ScaleTargetRef.Name) + "} # kubectl get deployments,statefulsets says what there is\n"})
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
	{"hpa-unknown", Warning, func(o *Object) []said {
		if o.Facts == nil || o.Facts.HPA == "" || o.Facts.Replicas == 0 {
			return nil
		}
		const asked = "# kubectl get --raw '/apis/external.metrics.k8s.io/v1beta1/namespaces/%s/s0-prometheus?labelSelector=scaledobject.keda.sh%%2Fname%%3D%s' says what KEDA answers\n"
		return one(said{what: "the HPA does not scale: " + o.Facts.HPA, why: "<unknown> is all that kubectl get hpa says of it. A trigger fails: its query, its address, or KEDA is away; replicas stay as they are",
			fix: fmt.Sprintf(asked, orName(o.Namespace, "NAMESPACE"), o.Name) + fallbackFix})
	}},
	{"hpa-unknown-at-zero", Note, func(o *Object) []said {
		if o.Facts == nil || o.Facts.HPA == "" || o.Facts.Replicas != 0 {
			return nil
		}
		return one(said{what: "kubectl get hpa says <unknown>, for it sleeps", why: "that is as it should be: at no replicas KEDA alone looks, and the HPA is switched off", fix: "minReplicaCount: 0 # as it is\n"})
	}},
	{"scraped-rarely", Warning, func(o *Object) []said {
		if o.Metrics == nil {
			return nil
		}
		for _, name := range o.Names() {
			if every := o.Metrics.Scraped[name]; every > hpaPeriod && !unhurried(name) {
				return one(said{what: fmt.Sprintf("%s is scraped every %d s", name, every),
					why: fmt.Sprintf("the HPA looks every %d s, and sees what was: each decision, and each step from zero, is up to %d s late", hpaPeriod, every),
					fix: "# of the ServiceMonitor or PodMonitor:\nspec: {endpoints: [{interval: 10s}]}\n"})
			}
		}
		return nil
	}},
	{"polled-for-nothing", Note, func(o *Object) []said {
		if o.Metrics == nil {
			return nil
		}
		for _, name := range o.Names() {
			if polls, every := value(o.Spec.PollingInterval, defaultPolling), o.Metrics.Scraped[name]; 3*polls < every && every <= hpaPeriod {
				return one(said{what: fmt.Sprintf("it is looked at every %d s, and %s is scraped every %d s", polls, name, every),
					why: "the same number is read again and again: it wakes no sooner", fix: fmt.Sprintf("pollingInterval: %d\n", (every+2)/3)})
			}
		}
		return nil
	}},
	{"keda-not-ready", Error, func(o *Object) []said {
		for _, c := range o.Status.Conditions {
			if c.Type == "Ready" && c.Status == "False" {
				return one(said{what: "KEDA: " + c.Message, why: "it scales nothing", fix: "# kubectl logs -n keda deployment/keda-operator says more\n" + addressFix})
			}
		}
		return nil
	}},
	{"in-fallback", Warning, func(o *Object) []said {
		for _, c := range o.Status.Conditions {
			if c.Type == "Fallback" && c.Status == "True" {
				return one(said{what: "KEDA keeps the fallback", why: "it can't read the demand: " + c.Message, fix: "# hoist doctor " + o.Name + " --prometheus ADDRESS says which metric is missing\n" + addressFix})
			}
		}
		return nil
	}},
}

// unhurried reports whether a metric changes with pods or with the hours alone, not with requests.
func unhurried(name string) bool { return strings.HasPrefix(name, "hoist_") || name == "up" }

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
