// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demand

import (
	"fmt"
	"strings"
)

// Target is the workload whose pods are asked.
type Target struct {
	Namespace, Name string
	StatefulSet     bool   // else a Deployment
	Policy          string // NAMESPACE/NAME of the ScalePolicy
}

// longest is the name of a Deployment that its pods carry whole: a generated name has 63 bytes, of which the pod's own part takes 5, and
// that of the ReplicaSet up to 12 (k8s.io/apiserver/pkg/storage/names).
const longest = 63 - 5 - 12

// pods are the matchers of the target's pods, and of no canary's: a Deployment's are NAME-HASH-RANDOM, a StatefulSet's NAME-ORDINAL.
func (t Target) pods() string {
	name := strings.ReplaceAll(t.Name, ".", "[.]")
	pattern := name + "-[a-z0-9]+-[a-z0-9]{5}"
	switch {
	case t.StatefulSet:
		pattern = name + "-[0-9]+"
	case len(t.Name) > longest:
		pattern = strings.ReplaceAll(t.Name[:longest], ".", "[.]") + "[-a-z0-9.]*"
	}
	return fmt.Sprintf("namespace=%q,pod=~%q", t.Namespace, pattern)
}

// idle is 0 when no replica has been ready for two minutes, which leaves time for one that has just become so to be scraped; else it is
// empty. The gauge is the controller's own, so that it needs no kube-state-metrics; all of its replicas export it.
func (t Target) idle() string {
	return fmt.Sprintf("(max(min_over_time(%s{policy=%q}[2m])) == 0)", ReadyReplicas, t.Policy)
}

// ReadyReplicas is the gauge of how many replicas of a policy's target are ready. The label policy is NAMESPACE/NAME, for a label named
// namespace would be that of the pod that exports it.
const ReadyReplicas = "hoist_scale_ready_replicas"
