// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
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
				var reasons []string
				for _, e := range extra {
					reason, _, _ := strings.Cut(e, ":")
					reasons = append(reasons, reason)
				}
				if diff := cmp.Diff(listed(t, string(security), "Pod Security says"), reasons); diff != "" {
					t.Errorf("SECURITY.md lists other rights than the agent has (-listed +has):\n%s", diff)
				}
			}
			for i := range pod.Spec.Containers {
				if c := pod.Spec.Containers[i].SecurityContext; c == nil || c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem {
					t.Errorf("%s can write its root file system", name)
				}
			}
		}
		var folders []string
		for _, v := range pods["hoist-agent"].Spec.Volumes {
			if v.HostPath == nil {
				t.Errorf("the agent's volume %s is no folder of the node: SECURITY.md lists those alone", v.Name)
				continue
			}
			folders = append(folders, "`"+v.HostPath.Path+"`")
		}
		slices.Sort(folders)
		if diff := cmp.Diff(listed(t, string(security), "folder of the node"), folders); diff != "" {
			t.Errorf("SECURITY.md lists other folders than the agent mounts (-listed +mounts):\n%s", diff)
		}
	}
}

// listed is the first column of the table of a page that begins with this heading, sorted.
func listed(t *testing.T, page, heading string) []string {
	t.Helper()
	_, table, ok := strings.Cut(page, "| "+heading+" |")
	if !ok {
		t.Fatalf("no table of: %s", heading)
	}
	var first []string
	for _, line := range strings.Split(table, "\n")[2:] { // the rest of the heading, and the line below it
		if !strings.HasPrefix(line, "|") {
			break
		}
		first = append(first, strings.TrimSpace(strings.Split(line, "|")[1]))
	}
	slices.Sort(first)
	return first
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
