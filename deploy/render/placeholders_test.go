// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// placeholders is the namespace of the pods that keep room on nodes.
const placeholders = "hoist-placeholders"

// Only where it is switched on may the controller make pods that keep room, there alone, and none that is not restricted.
func TestPlaceholders_AreMadeWhereTheyAreSwitchedOnAlone(t *testing.T) {
	t.Parallel()
	for _, set := range [][]string{nil, {"scaler.capacity.placeholders.enabled=true", "scaler.enabled=false"}} {
		off := chart(t, set...)
		if all := objects(t, off); len(only[*schedulingv1.PriorityClass](all)) != 0 || strings.Contains(off, placeholders) || makesDeployments(all) != "" {
			t.Errorf("with %v the chart says something of placeholders", set)
		}
	}
	on := chart(t, "scaler.capacity.placeholders.enabled=true", "scaler.capacity.placeholders.priority=-5", "scaler.capacity.placeholders.image=mirror/pause:1")
	all := objects(t, on)
	if where := makesDeployments(all); where != placeholders {
		t.Errorf("the controller may make Deployments in %q", where)
	}
	namespaces := only[*corev1.Namespace](all)
	i := slices.IndexFunc(namespaces, func(n *corev1.Namespace) bool { return n.Name == placeholders })
	if i < 0 || namespaces[i].Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("namespaces are %v", namespaces)
	}
	class := only[*schedulingv1.PriorityClass](all)[0]
	if class.Value != -5 || class.GlobalDefault || *class.PreemptionPolicy != corev1.PreemptNever {
		t.Errorf("the PriorityClass is %+v", class)
	}
	for _, argument := range []string{"--placeholders-namespace=" + placeholders, "--placeholders-image=mirror/pause:1", "--placeholders-priority-class=" + class.Name} {
		if !strings.Contains(on, argument+"\n") {
			t.Errorf("the controller is not told %s", argument)
		}
	}
}

// Without CapacityBuffers the controller has no right on them.
func TestBuffers_GoWithTheirRight(t *testing.T) {
	t.Parallel()
	for value, is := range map[string]bool{"true": true, "false": false} {
		if out := chart(t, "scaler.capacity.buffers="+value); strings.Contains(out, "capacitybuffers") != is {
			t.Errorf("scaler.capacity.buffers=%s: the right is there: %v", value, !is)
		}
	}
}

// makesDeployments are the namespaces in which a role lets somebody make Deployments, * for all.
func makesDeployments(all []client.Object) string {
	var where []string
	may := func(rules []rbacv1.PolicyRule) bool {
		return slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.Resources, "deployments") && slices.Contains(r.Verbs, "create")
		})
	}
	for _, r := range only[*rbacv1.Role](all) {
		if may(r.Rules) {
			where = append(where, r.Namespace)
		}
	}
	for _, r := range only[*rbacv1.ClusterRole](all) {
		if may(r.Rules) {
			where = append(where, "*")
		}
	}
	return strings.Join(where, " ")
}
