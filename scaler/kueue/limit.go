// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package kueue

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/inference"
)

// Queue is what stands behind a workload's pods.
type Queue struct {
	Name         string // of the LocalQueue
	ClusterQueue string
	Broken       string // why it admits nothing; "" where it does

	// Most pods that it admits at a time, when nobody else takes any of it.
	Most     int64
	Resource corev1.ResourceName // of which there are no more
	Flavors  string              // that they may be of, such as "flavor h100"; "" is all of the queue's
	Cohort   string              // that what it borrows is from, too; "" where it borrows nothing
}

// String says what the limit is: "Kueue's ClusterQueue gpus, with what the cohort all lends, of nvidia.com/gpu, flavor h100,".
func (q *Queue) String() string {
	lends, flavors := "", ""
	if q.Flavors != "" {
		flavors = ", " + q.Flavors + ","
	}
	if q.Cohort != "" {
		lends = ", with what the cohort " + q.Cohort + " lends,"
	}
	return fmt.Sprintf("Kueue's ClusterQueue %s%s of %s%s", q.ClusterQueue, lends, q.Resource, flavors)
}

// limit is how many pods like this one a queue would ever admit. Each takes the resources of a group from one flavor, whose labels it selects and whose
// taints it tolerates. What there is of a topology is not looked at, and makes it fewer still.
func limit(pod *corev1.Pod, queue *ClusterQueue, queues []ClusterQueue, cohorts []Cohort, flavors map[string]*Flavor) (q Queue) {
	q = Queue{ClusterQueue: queue.Name, Most: math.MaxInt64, Cohort: queue.cohort()}
	asked := capacity.Asked(pod)
	leaf, ok := plant(queue, queues, cohorts)
	switch lacking := uncovered(asked, queue); {
	case !ok:
		q.Broken = fmt.Sprintf("cohort %s is a member of itself", q.Cohort)
		return q
	case stopped(queue) != "":
		q.Broken = stopped(queue)
	case lacking != "":
		q.Broken = fmt.Sprintf("ClusterQueue %s has no quota of %s", queue.Name, lacking)
	}
	for _, group := range queue.Spec.Groups {
		closed := group.closed(pod, flavors)
		most, of := group.limit(leaf, asked, closed)
		if of != "" && most < q.Most {
			q.Most, q.Resource, q.Flavors = most, of, group.open(closed)
		}
		if of != "" && len(closed) == len(group.Flavors) && q.Broken == "" {
			q.Broken = fmt.Sprintf("ClusterQueue %s has no flavor of %s for them: %s", queue.Name, of, strings.Join(slices.Sorted(maps.Values(closed)), "; "))
		}
	}
	return q
}

// limit is how many pods that ask for so much take what they need of a group from one of its flavors each, and of what there is least; "" is that they need none.
func (g *Group) limit(leaf *node, asked corev1.ResourceList, closed map[string]string) (most int64, of corev1.ResourceName) {
	alone := map[corev1.ResourceName]int64{}
	for _, flavor := range g.Flavors {
		fits := int64(math.MaxInt64)
		for _, name := range g.Covered {
			if per := amount(name, asked[name]); per > 0 {
				n := int64(0)
				if closed[flavor.Name] == "" {
					n = leaf.reach(part{flavor.Name, name}) / per
				}
				alone[name] = plus(alone[name], n)
				fits = min(fits, n)
			}
		}
		most = plus(most, fits)
	}
	return most, scarcest(g.Covered, alone)
}

// uncovered is a kind of GPU that is asked for and that a queue has no quota of, or "".
func uncovered(asked corev1.ResourceList, queue *ClusterQueue) corev1.ResourceName {
	for name, quantity := range asked {
		covers := slices.ContainsFunc(queue.Spec.Groups, func(g Group) bool { return slices.Contains(g.Covered, name) })
		if inference.IsGPU(name) && quantity.Sign() > 0 && !covers {
			return name
		}
	}
	return ""
}

// scarcest is the resource that there is least of, and of several the first.
func scarcest(names []corev1.ResourceName, fits map[corev1.ResourceName]int64) (least corev1.ResourceName) {
	for _, name := range names {
		n, asked := fits[name]
		if most, found := fits[least]; asked && (!found || n < most) {
			least = name
		}
	}
	return least
}

// stopped is why a ClusterQueue takes nothing, whatever it has.
func stopped(queue *ClusterQueue) string {
	if p := queue.Spec.StopPolicy; p != "" && p != "None" {
		return fmt.Sprintf("ClusterQueue %s is stopped: its stopPolicy is %s", queue.Name, p)
	}
	for _, c := range queue.Status.Conditions {
		if c.Type == "Active" && c.Status == metav1.ConditionFalse {
			return fmt.Sprintf("ClusterQueue %s is not active: %s", queue.Name, c.Message)
		}
	}
	return ""
}
