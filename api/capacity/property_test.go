// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package capacity_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/hoist-dev/hoist/api/capacity"
)

// random is a world of a few nodes and pods, with and without quota, and a pod to ask about.
func random(r *rand.Rand) (*corev1.Pod, capacity.World) {
	list := func(gpus, cpu, memory int64) corev1.ResourceList {
		return corev1.ResourceList{"nvidia.com/gpu": *resource.NewQuantity(gpus, resource.DecimalSI), "cpu": *resource.NewMilliQuantity(cpu, resource.DecimalSI),
			"memory": *resource.NewQuantity(memory<<30, resource.BinarySI)}
	}
	one := func(l corev1.ResourceList) *corev1.Pod {
		return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: l}}}}}
	}
	var w capacity.World
	for i := range r.IntN(6) {
		n := corev1.Node{Spec: corev1.NodeSpec{Unschedulable: r.IntN(8) == 0}}
		n.Name = fmt.Sprint("node", i)
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		n.Status.Allocatable = list(r.Int64N(9), r.Int64N(20_000), r.Int64N(600))
		n.Status.Allocatable["pods"] = *resource.NewQuantity(r.Int64N(12), resource.DecimalSI)
		w.Nodes = append(w.Nodes, n)
		for range r.IntN(3) {
			p := one(list(r.Int64N(3), r.Int64N(3000), r.Int64N(60)))
			p.Spec.NodeName = n.Name
			w.Pods = append(w.Pods, *p)
		}
	}
	if r.IntN(3) == 0 {
		w.Quotas = []corev1.ResourceQuota{{Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"requests.nvidia.com/gpu": *resource.NewQuantity(r.Int64N(12), resource.DecimalSI)}}}}
	}
	return one(list(1+r.Int64N(4), r.Int64N(4000), r.Int64N(80))), w
}

// Pods of a kind that are put one by one wherever one fits are as many as Fit says, and after them it says that no more do.
func TestFit_IsWhatPlacingThemOneByOneGives(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		pod, w := random(rand.New(rand.NewPCG(seed, 1)))
		want := capacity.Fit(pod, w)
		var placed int64
		for ; placed <= want.More; placed++ {
			a := capacity.Fit(pod, w)
			if a.More != want.More-placed {
				t.Fatalf("seed %d: after %d of %d it says %d more", seed, placed, want.More, a.More)
			}
			if a.More == 0 {
				break
			}
			next := pod.DeepCopy()
			for _, n := range a.Nodes {
				if n.More > 0 && fits(pod, n.Name, w) {
					next.Spec.NodeName = n.Name
					break
				}
			}
			if next.Spec.NodeName == "" {
				t.Fatalf("seed %d: it says %d more, and no node takes one", seed, a.More)
			}
			w.Pods = append(w.Pods, *next)
			if len(w.Quotas) > 0 {
				q := &w.Quotas[0].Status
				if q.Used == nil {
					q.Used = corev1.ResourceList{}
				}
				sum := q.Used["requests.nvidia.com/gpu"]
				sum.Add(pod.Spec.Containers[0].Resources.Requests["nvidia.com/gpu"])
				q.Used["requests.nvidia.com/gpu"] = sum
			}
		}
		for _, n := range w.Nodes {
			if len(w.Quotas) == 0 && fits(pod, n.Name, w) {
				t.Fatalf("seed %d: it says no more, and %s takes one", seed, n.Name)
			}
		}
		if len(want.Stops) == 0 {
			t.Fatalf("seed %d: nothing stops the next", seed)
		}
	}
}

// fits adds up for one node, in another way than Fit does.
func fits(pod *corev1.Pod, name string, w capacity.World) bool {
	for _, n := range w.Nodes {
		if n.Name != name || n.Spec.Unschedulable {
			continue
		}
		sum, pods := pod.Spec.Containers[0].Resources.Requests.DeepCopy(), int64(1)
		for i := range w.Pods {
			if p := &w.Pods[i]; p.Spec.NodeName == name {
				pods++
				for k, q := range p.Spec.Containers[0].Resources.Requests {
					total := sum[k]
					total.Add(q)
					sum[k] = total
				}
			}
		}
		for k, total := range sum {
			asked := pod.Spec.Containers[0].Resources.Requests[k]
			if have := n.Status.Allocatable[k]; asked.Sign() > 0 && total.Cmp(have) > 0 {
				return false
			}
		}
		return n.Status.Allocatable.Pods().Value() >= pods
	}
	return false
}
