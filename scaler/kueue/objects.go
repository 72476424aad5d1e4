// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package kueue

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What Kueue puts on pods, and looks for.
const (
	QueueLabel = "kueue.x-k8s.io/queue-name" // the LocalQueue of a workload; Kueue copies it to the pods that it holds back
	Gate       = "kueue.x-k8s.io/admission"  // scheduling gate of a pod that is not admitted
)

// The parts of Kueue's objects that matter here, as v1beta1 and v1beta2 have them.
type (
	localQueue struct {
		Spec struct {
			ClusterQueue string `json:"clusterQueue"`
			StopPolicy   string `json:"stopPolicy"`
		} `json:"spec"`
	}

	// ClusterQueue is one, with what it has of its own.
	ClusterQueue struct {
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			Cohort     string  `json:"cohort"`     // v1beta1
			CohortName string  `json:"cohortName"` // v1beta2
			Groups     []Group `json:"resourceGroups"`
			StopPolicy string  `json:"stopPolicy"`
		} `json:"spec"`
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}

	// Cohort is one whose members lend to each other. Those that have nothing of their own need no object.
	Cohort struct {
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			ParentName string  `json:"parentName"`
			Groups     []Group `json:"resourceGroups"`
		} `json:"spec"`
	}

	// Group is resources that a pod takes from one flavor together.
	Group struct {
		Covered []corev1.ResourceName `json:"coveredResources"`
		Flavors []struct {
			Name      string  `json:"name"`
			Resources []Quota `json:"resources"`
		} `json:"flavors"`
	}

	// Flavor is a kind of nodes that quota is of.
	Flavor struct {
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			NodeLabels  map[string]string   `json:"nodeLabels"`
			NodeTaints  []corev1.Taint      `json:"nodeTaints"`
			Tolerations []corev1.Toleration `json:"tolerations"` // that Kueue adds to pods that get some of it
		} `json:"spec"`
	}

	// Quota of a resource. A limit that is nil is none.
	Quota struct {
		Name      corev1.ResourceName `json:"name"`
		Nominal   resource.Quantity   `json:"nominalQuota"`
		Borrowing *resource.Quantity  `json:"borrowingLimit"`
		Lending   *resource.Quantity  `json:"lendingLimit"`
	}
)

func (q *ClusterQueue) cohort() string { return cmp.Or(q.Spec.CohortName, q.Spec.Cohort) }
