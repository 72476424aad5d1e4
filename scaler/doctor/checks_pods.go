// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/scaler/kueue"
)

// podChecks are about replicas that are wanted and do not come.
var podChecks = []check{
	{"pods-not-made", Error, func(o *Object) []said {
		if o.Facts == nil || o.Facts.Failed == "" {
			return nil
		}
		fix := "# of the container: what the message asks for, such as\nresources: {requests: {cpu: \"4\", memory: 64Gi}, limits: {memory: 64Gi, nvidia.com/gpu: \"1\"}}\n"
		if strings.Contains(o.Facts.Failed, "exceeded quota") {
			fix = fmt.Sprintf("maxReplicaCount: %d # what there is; or a bigger quota:\n", max(o.Facts.Replicas, 1)) +
				"---\napiVersion: v1\nkind: ResourceQuota\nspec: {hard: {requests.nvidia.com/gpu: \"16\"}}\n"
		}
		return one(said{what: "its pods can't be made: " + o.Facts.Failed, why: "they are not Pending, and kubectl get pods does not show them: the ReplicaSet has the event FailedCreate", fix: fix})
	}},
	{"pods-gated", Error, func(o *Object) []said {
		if o.Facts == nil {
			return nil
		}
		pods, gate, last := 0, "", ""
		for i := range o.Facts.Pods {
			p := &o.Facts.Pods[i]
			if c := unscheduled(p); c != nil && c.Reason == corev1.PodReasonSchedulingGated && len(p.Spec.SchedulingGates) > 0 {
				pods++
				gate, last = p.Spec.SchedulingGates[0].Name, p.Name
			}
		}
		if pods == 0 {
			return nil
		}
		s := said{what: fmt.Sprintf("%d of its pods are SchedulingGated, by %s", pods, gate), why: "the scheduler does not look at them, and no autoscaler makes a node for them, until whoever set the gate takes it away",
			fix: "# who sets it, and why: kubectl describe pod " + last + "\nspec: {schedulingGates: []}\n"}
		if gate == kueue.Gate {
			s.why = "Kueue has not admitted them: others have what its ClusterQueue may give. They wait without a node, and the scheduler does not look at them"
			s.fix = "# why: kubectl describe workloads -n " + orName(o.Namespace, "NAMESPACE") + "\n" + fmt.Sprintf(kueueFix, orName(clusterQueue(o), "CLUSTERQUEUE"), "nvidia.com/gpu", 16)
		}
		return one(s)
	}},
	{"pods-pending", Warning, func(o *Object) []said {
		if o.Facts == nil {
			return nil
		}
		pods, message := 0, ""
		for i := range o.Facts.Pods {
			if c := unscheduled(&o.Facts.Pods[i]); c != nil && c.Reason != corev1.PodReasonSchedulingGated {
				pods++
				message = c.Message
			}
		}
		if pods == 0 {
			return nil
		}
		s := said{what: fmt.Sprintf("%d of its pods are Pending: %s", pods, orName(message, "the scheduler has not looked at them yet")),
			why: "they wait for a node. The HPA counts them as replicas, and the requests wait", fix: "# with no autoscaler that makes nodes, what there is room for:\nmaxReplicaCount: " + fmt.Sprint(max(int(o.Facts.Replicas)-pods, 1)) + "\n"}
		if f := o.Facts.Fit; f != nil && len(f.Stops) > 0 {
			s.why = "they wait for a node, and what stops the next is " + f.Stops[0].String() + ". The HPA counts them as replicas, and the requests wait"
		}
		return one(s)
	}},
	{"gpus-fragmented", Warning, func(o *Object) []said {
		if o.Facts == nil || o.Facts.Fit == nil || o.Facts.Pod == nil {
			return nil
		}
		needs, f := gpus(o.Facts.Pod), o.Facts.Fit
		most := int64(value(o.Spec.MaxReplicaCount, 100))
		if needs < 2 || f.Stranded < needs || int64(o.Facts.Replicas)+f.More >= most {
			return nil
		}
		return one(said{what: fmt.Sprintf("%d GPUs are free where no %d are together", f.Stranded, needs),
			why: fmt.Sprintf("a replica needs %d on one node: %d more fit, of the %d that may be, though there are GPUs enough", needs, f.More, most-int64(o.Facts.Replicas)),
			fix: "# of the scheduler's profile: nodes are filled before others are begun\npluginConfig:\n  - name: NodeResourcesFit\n    args: {scoringStrategy: {type: MostAllocated, resources: [{name: nvidia.com/gpu, weight: 1}]}}\n"})
	}},
}

// unscheduled is why a pod has no node, or nil.
func unscheduled(p *corev1.Pod) *corev1.PodCondition {
	if p.Spec.NodeName != "" || p.DeletionTimestamp != nil {
		return nil
	}
	i := slices.IndexFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	})
	if i < 0 {
		return nil
	}
	return &p.Status.Conditions[i]
}
