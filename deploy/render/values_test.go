// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/hoist-dev/hoist/deploy/render"
)

// A value that can't be meant is refused before anything reaches a cluster, and the message names it.
func TestValues_ThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	chart(t) // helm is there
	for _, set := range []string{
		"agent.image.digest=sha256:abc", "agent.image.digest=latest", "agent.image.pullPolicy=Sometimes", "agent.cachePath=cache", "agent.criSocket=containerd.sock",
		"agent.cache.minFreePercent=100", "agent.cache.maxBytes=lots", "agent.fetch.buffers=256 MB", "agent.logLevel=verbose", "agent.port=0", "agent.tollerations=x",
		"agent.scrub.every=daily", "controller.replicas=-1", "networkPolicy.enabled=maybe", "serviceMonitor.interval=soon", "cachePath=/x",
	} {
		_, err := render.Chart(t.Context(), root, set)
		key, _, _ := strings.Cut(set, "=")
		last := key[strings.LastIndex(key, ".")+1:]
		if err == nil || !strings.Contains(err.Error(), last) {
			t.Errorf("%s: %v", set, err)
		}
	}
}

func TestValues_Arrive(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0a", 32)
	for set, wants := range map[string]string{
		"agent.image.digest=" + digest + ",agent.image.tag=v1": "image: ghcr.io/hoist-dev/hoist-agent@" + digest + "\n",
		"controller.image.tag=v1":                              "image: ghcr.io/hoist-dev/hoist-controller:v1\n",
		"agent.cachePath=/mnt/nvme":                            "--root=/mnt/nvme/cache\n",
		"agent.fetch.bandwidth=1Gi":                            "--bandwidth=1Gi\n",
		"agent.env[0].name=A,agent.env[0].value=B":             "- name: A\n              value: B\n",
		"controller.replicas=3":                                "replicas: 3\n",
		"agent.tolerations[0].operator=Exists":                 "tolerations:\n        - operator: Exists\n",
	} {
		if out := chart(t, strings.Split(set, ",")...); !strings.Contains(out, wants) {
			t.Errorf("%s: %q is not there", set, wants)
		}
	}
	if out := chart(t, "agent.criSocket="); strings.Contains(out, "/run/containerd") {
		t.Error("without a socket, the runtime's folder is mounted all the same")
	}
}

func TestValues_SwitchThingsOnAndOff(t *testing.T) {
	t.Parallel()
	for set, count := range map[string][4]int{ // PodDisruptionBudgets, NetworkPolicies, ServiceMonitors, dashboards
		"networkPolicy.enabled=true":                   {1, 2, 0, 0},
		"networkPolicy.enabled=false":                  {1, 0, 0, 0},
		"controller.podDisruptionBudget.enabled=false": {0, 2, 0, 0},
		"serviceMonitor.enabled=true":                  {1, 2, 2, 0},
		"grafanaDashboard.enabled=true":                {1, 2, 0, 1},
	} {
		all := objects(t, chart(t, set))
		got := [4]int{len(only[*policyv1.PodDisruptionBudget](all)), len(only[*networkingv1.NetworkPolicy](all)), len(only[*unstructured.Unstructured](all)), len(only[*corev1.ConfigMap](all))}
		if got != count {
			t.Errorf("%s: %v, want %v", set, got, count)
		}
	}
}

// The dashboard asks for metrics that there are, and what the chart installs is the file.
func TestDashboard_AsksForWhatThereIs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(root + "/deploy/chart/dashboards/hoist.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, path := range []string{"metrics.go", "watch.go"} {
		code, err := os.ReadFile(root + "/cachenode/agent/" + path)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(code)
	}
	histogram := regexp.MustCompile("_(bucket|sum|count)$")
	asked := 0
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			for _, metric := range regexp.MustCompile(`hoist_[a-z_]+`).FindAllString(target.Expr, -1) {
				asked++
				if !strings.Contains(source.String(), `"`+histogram.ReplaceAllString(metric, "")+`"`) {
					t.Errorf("%s: nobody exports %s", p.Title, metric)
				}
			}
		}
	}
	if asked == 0 {
		t.Error("it asks for nothing")
	}
	maps := only[*corev1.ConfigMap](objects(t, chart(t, "grafanaDashboard.enabled=true")))
	if len(maps) != 1 || maps[0].Data["hoist.json"] != string(text) {
		t.Error("the ConfigMap does not hold the dashboard")
	}
}
