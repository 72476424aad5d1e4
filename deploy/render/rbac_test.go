// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// J8: rights, and who has them, are those of the allow-list, which grows only by somebody's will.
func TestChart_GivesNoRightBeyondTheAllowList(t *testing.T) {
	t.Parallel()
	all := objects(t, chart(t, everything...))
	var lines []string
	add := func(kind, name string, rules []rbacv1.PolicyRule) {
		for _, r := range rules {
			for _, list := range [][]string{r.APIGroups, r.Resources, r.Verbs, r.NonResourceURLs} {
				if slices.Contains(list, "*") {
					t.Errorf("%s %s has a wildcard: %v", kind, name, r)
				}
			}
			if secrets := slices.Contains(r.Resources, "secrets"); secrets && name != "hoist-controller" {
				t.Errorf("%s has a right on Secrets: %v", name, r)
			} else if secrets && kind == "ClusterRole" && !slices.Equal(r.Verbs, []string{"get"}) {
				t.Errorf("%s does more with the Secrets of all namespaces than to get one by name: %v", name, r)
			}
			for _, right := range []string{"escalate", "bind", "impersonate"} {
				if slices.Contains(r.Verbs, right) {
					t.Errorf("%s %s may %s", kind, name, right)
				}
			}
			for _, resource := range slices.Concat(r.Resources, r.NonResourceURLs) {
				line := fmt.Sprintf("%s %s: %s %s/%s", kind, name, strings.Join(r.Verbs, ","), strings.Join(r.APIGroups, ","), resource)
				if len(r.ResourceNames) > 0 {
					line += " " + strings.Join(r.ResourceNames, ",")
				}
				lines = append(lines, line)
			}
		}
	}
	bind := func(kind, name string, role rbacv1.RoleRef, subjects []rbacv1.Subject) {
		for _, s := range subjects {
			lines = append(lines, fmt.Sprintf("%s %s: %s %s to %s %s/%s", kind, name, role.Kind, role.Name, s.Kind, s.Namespace, s.Name))
		}
	}
	for _, r := range only[*rbacv1.ClusterRole](all) {
		add("ClusterRole", r.Name, r.Rules)
		if r.AggregationRule != nil {
			t.Errorf("%s takes up the rights of others", r.Name)
		}
	}
	for _, r := range only[*rbacv1.Role](all) {
		add("Role", r.Name, r.Rules)
	}
	for _, b := range only[*rbacv1.ClusterRoleBinding](all) {
		bind("ClusterRoleBinding", b.Name, b.RoleRef, b.Subjects)
	}
	for _, b := range only[*rbacv1.RoleBinding](all) {
		bind("RoleBinding", b.Name, b.RoleRef, b.Subjects)
	}
	slices.Sort(lines)
	golden(t, "testdata/rbac.golden", strings.Join(lines, "\n")+"\n")
}

// An agent that makes its CacheNode leaves each field of the spec to the controller: a field that is new in the kind needs a line in
// the policy. That the policy does what it says is seen on a real API server (test/e2e/mount).
func TestPolicy_LeavesEveryFieldOfTheSpecToTheController(t *testing.T) {
	t.Parallel()
	all := objects(t, chart(t))
	others := func(o client.Object) bool { return o.GetName() != "hoist-agent" }
	policies := slices.DeleteFunc(only[*admissionv1.ValidatingAdmissionPolicy](all), func(p *admissionv1.ValidatingAdmissionPolicy) bool { return others(p) })
	bindings := slices.DeleteFunc(only[*admissionv1.ValidatingAdmissionPolicyBinding](all), func(b *admissionv1.ValidatingAdmissionPolicyBinding) bool { return others(b) })
	if len(policies) != 1 || len(bindings) != 1 || bindings[0].Spec.PolicyName != policies[0].Name ||
		!slices.Equal(bindings[0].Spec.ValidationActions, []admissionv1.ValidationAction{admissionv1.Deny}) {
		t.Fatalf("policies %v, bindings %v", policies, bindings)
	}
	spec := policies[0].Spec
	if *spec.FailurePolicy != admissionv1.Fail || len(spec.MatchConditions) != 1 ||
		!strings.Contains(spec.MatchConditions[0].Expression, "'system:serviceaccount:hoist-system:hoist-agent'") {
		t.Errorf("it does not hold the agents' account: %+v", spec)
	}
	var said strings.Builder
	for _, v := range spec.Validations {
		said.WriteString(v.Expression + "\n")
	}
	for _, crd := range only[*apiextensionsv1.CustomResourceDefinition](all) {
		if crd.Name != "cachenodes.hoist.dev" {
			continue
		}
		fields := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties
		if len(fields) == 0 {
			t.Error("the CacheNode has no spec")
		}
		for field := range fields {
			if !strings.Contains(said.String(), "size(object.spec."+field+") == 0") {
				t.Errorf("an agent may say spec.%s", field)
			}
		}
	}
}
