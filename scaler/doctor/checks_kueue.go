// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/inference"
)

const kueueFix = `# of the ClusterQueue %s, by whoever owns it:
spec: {resourceGroups: [{flavors: [{resources: [{name: %s, nominalQuota: %d}]}]}]}
`

// kueueChecks are about pods that wait for Kueue. Where there is none, they say nothing.
var kueueChecks = []check{
	{"kueue-queue", Error, func(o *Object) []said {
		if o.Facts == nil || o.Facts.Kueue == nil || o.Facts.Kueue.Broken == "" {
			return nil
		}
		q := o.Facts.Kueue
		return one(said{what: "Kueue admits none of its pods: " + q.Broken, why: "they stay Pending, as SchedulingGated, and the scheduler does not look at them",
			fix: fmt.Sprintf("apiVersion: kueue.x-k8s.io/v1beta2\nkind: LocalQueue\nmetadata: {name: %s, namespace: %s}\nspec: {clusterQueue: %s} # one with a quota of what the pods ask for, that is not stopped\n",
				orName(q.Name, "QUEUE"), orName(o.Namespace, "NAMESPACE"), orName(q.ClusterQueue, "CLUSTERQUEUE"))})
	}},
	{"kueue-quota-too-small", Error, func(o *Object) []said {
		if o.Facts == nil || o.Facts.Kueue == nil || o.Facts.Kueue.Broken != "" || o.Facts.Pod == nil {
			return nil
		}
		q, most := o.Facts.Kueue, int64(value(o.Spec.MaxReplicaCount, 100))
		if q.Most >= most {
			return nil
		}
		return one(said{what: fmt.Sprintf("%s admits %d replicas at the most, and maxReplicaCount is %d", q, q.Most, most),
			why: "pods above it are there and never start: they are Pending, as SchedulingGated, and the HPA counts them as replicas",
			fix: fmt.Sprintf("maxReplicaCount: %d\n---\n", max(q.Most, 1)) + fmt.Sprintf(kueueFix, q.ClusterQueue, q.Resource, wanted(o.Facts.Pod, q.Resource, most))})
	}},
}

// wanted is how much of a resource so many pods ask for, in whole ones.
func wanted(pod *corev1.Pod, name corev1.ResourceName, replicas int64) int64 {
	asked := capacity.Asked(pod)[name]
	return asked.Value() * replicas
}

// gpus is how many GPUs a pod asks for.
func gpus(pod *corev1.Pod) (n int64) {
	for name, quantity := range capacity.Asked(pod) {
		if inference.IsGPU(name) {
			n += quantity.Value()
		}
	}
	return n
}

func clusterQueue(o *Object) string {
	if o.Facts.Kueue == nil {
		return ""
	}
	return o.Facts.Kueue.ClusterQueue
}
