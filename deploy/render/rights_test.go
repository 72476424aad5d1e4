// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// J9: everything of ours is restricted, but the agent, whose extra rights are those that SECURITY.md lists.
func TestChart_IsRestrictedButForTheAgentsExtraRights(t *testing.T) {
	t.Parallel()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	security, err := os.ReadFile(root + "/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range [][]string{nil, everything} {
		all := objects(t, chart(t, set...))
		pods := templates(all)
		if len(pods) != 2 {
			t.Fatalf("%d workloads", len(pods))
		}
		for name, pod := range pods {
			var extra []string
			for _, r := range evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &metav1.ObjectMeta{}, &pod.Spec) {
				if !r.Allowed {
					extra = append(extra, r.ForbiddenReason+": "+r.ForbiddenDetail)
				}
			}
			slices.Sort(extra)
			if name != "hoist-agent" && len(extra) > 0 {
				t.Errorf("%s is not restricted: %q", name, extra)
			}
			if name == "hoist-agent" && set == nil {
				golden(t, "testdata/agent-rights.golden", strings.Join(extra, "\n")+"\n")
				for _, e := range extra {
					if reason, _, _ := strings.Cut(e, ":"); !strings.Contains(string(security), "| "+reason+" |") {
						t.Errorf("SECURITY.md has no row for %q", reason)
					}
				}
			}
			for i := range pod.Spec.Containers {
				if c := pod.Spec.Containers[i].SecurityContext; c == nil || c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem {
					t.Errorf("%s can write its root file system", name)
				}
			}
		}
		for _, v := range pods["hoist-agent"].Spec.Volumes {
			if v.HostPath == nil || !strings.Contains(string(security), "`"+v.HostPath.Path+"`") {
				t.Errorf("SECURITY.md does not list the agent's volume %s of the node: %+v", v.Name, v.HostPath)
			}
		}
	}
}

func templates(all []client.Object) map[string]*corev1.PodTemplateSpec {
	pods := map[string]*corev1.PodTemplateSpec{}
	for _, d := range only[*appsv1.Deployment](all) {
		pods[d.Name] = &d.Spec.Template
	}
	for _, d := range only[*appsv1.DaemonSet](all) {
		pods[d.Name] = &d.Spec.Template
	}
	return pods
}

// J8: rights are those of the allow-list, which grows only by somebody's will.
func TestChart_GivesNoRightBeyondTheAllowList(t *testing.T) {
	t.Parallel()
	all := objects(t, chart(t, everything...))
	var lines []string
	add := func(kind, name string, rules []rbacv1.PolicyRule) {
		for _, r := range rules {
			for _, list := range [][]string{r.APIGroups, r.Resources, r.Verbs} {
				if slices.Contains(list, "*") {
					t.Errorf("%s %s has a wildcard: %v", kind, name, r)
				}
			}
			if name == "hoist-agent" && slices.Contains(r.Resources, "secrets") {
				t.Errorf("agents have a right on Secrets: %v", r)
			}
			for _, resource := range r.Resources {
				lines = append(lines, fmt.Sprintf("%s %s: %s %s/%s", kind, name, strings.Join(r.Verbs, ","), strings.Join(r.APIGroups, ","), resource))
			}
		}
	}
	for _, r := range only[*rbacv1.ClusterRole](all) {
		add("ClusterRole", r.Name, r.Rules)
	}
	for _, r := range only[*rbacv1.Role](all) {
		add("Role", r.Name, r.Rules)
	}
	slices.Sort(lines)
	golden(t, "testdata/rbac.golden", strings.Join(lines, "\n")+"\n")
}
