// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/hoist-dev/hoist/deploy/render"
)

// A value that can't be meant is refused before anything reaches a cluster, in words that name it and say what is asked for.
func TestValues_ThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	chart(t) // helm is there
	var said strings.Builder
	for _, set := range []string{
		"agent.image.digest=sha256:abc", "agent.image.digest=latest", "agent.image.repository=hoist:v1", "agent.image.pullPolicy=Sometimes", "agent.cachePath=cache",
		"agent.cachePath=/mnt/../etc", "agent.criSocket=containerd.sock", "agent.cache.minFreePercent=100", "agent.cache.maxBytes=lots", "agent.fetch.buffers=256 MB",
		"agent.fetch.maxConnections=-1", "agent.scrub.every=daily", "agent.logLevel=verbose", "agent.port=0", "agent.port=65536", "agent.port=null", "agent.tollerations=x",
		"agent.updateStrategy.rollingUpdate.maxSurge=1", "agent.env[0].value=eu", "controller.podLabels.size=1", "controller.replicas=-1",
		"volumes[0].claim=weights", "volumes[0].claim=../x,volumes[0].namespaces={a}", "networkPolicy.enabled=maybe", "serviceMonitor.interval=soon", "cachePath=/x",
		"scaler.prometheusAuth.secretName=Prom/x", "scaler.prometheusAuth.keys.token=a b", "scaler.prometheusAuth.token=T0ken", "scaler.prometheusAuth.headers.X-Scope-OrgID=a%2Cb",
		"scaler.prometheusAuth.triggerAuthentication.name=p", "scaler.prometheusAuth.triggerAuthentication.kind=Secret",
		"scaler.capacity.placeholders.priority=0", "scaler.capacity.placeholders.image=", "scaler.capacity.buffer=true",
	} {
		_, err := render.Chart(t.Context(), root, set)
		if err == nil {
			t.Errorf("%s is accepted", set)
			continue
		}
		said.WriteString(set + "\n")
		for line := range strings.Lines(err.Error()) {
			if strings.HasPrefix(line, "- at ") {
				said.WriteString("  " + strings.TrimSuffix(strings.TrimSpace(line), " (make helm builds it)") + "\n")
			}
		}
	}
	golden(t, "testdata/refused.golden", said.String())
}

func TestValues_Arrive(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0a", 32)
	for set, wants := range map[string]string{
		"agent.image.digest=" + digest + ",agent.image.tag=v1": "image: ghcr.io/hoist-dev/hoist-agent@" + digest + "\n",
		"controller.image.digest=" + digest:                    "image: ghcr.io/hoist-dev/hoist-controller@" + digest + "\n",
		"agent.image.digest=":                                  "image: ghcr.io/hoist-dev/hoist-agent:0.1.0\n",
		"agent.cache.maxBytes=1073741824123":                   "--max-bytes=1073741824123\n",
		"agent.scrub.every=0":                                  "--scrub-every=0\n",
		"controller.image.tag=v1":                              "image: ghcr.io/hoist-dev/hoist-controller:v1\n",
		"agent.cachePath=/mnt/nvme":                            "--root=/mnt/nvme/cache\n",
		"agent.fetch.bandwidth=1Gi":                            "--bandwidth=1Gi\n",
		"agent.env[0].name=A,agent.env[0].value=B":             "- name: A\n              value: B\n",
		"controller.replicas=3":                                "replicas: 3\n",
		"volumes[0].claim=w,volumes[0].namespaces={a}":         "--volume=claim=w,path=/volumes/w,namespaces=a\n",
		"scaler.capacity.buffers=false":                        "--capacity-buffers=false\n",
		"agent.tolerations[0].operator=Exists":                 "tolerations:\n        - operator: Exists\n",
	} {
		if out := chart(t, strings.Split(set, ",")...); !strings.Contains(out, wants) {
			t.Errorf("%s: %q is not there", set, wants)
		}
	}
	const auth = "scaler.prometheusAuth."
	for set, wants := range map[string][]string{
		auth + "secretName=prom": {"- --prometheus-identity=/prometheus\n", "- {name: prometheus, mountPath: /prometheus, readOnly: true}\n", "secret:\n            secretName: prom\n        - name: tmp"},
		auth + "secretName=prom " + auth + "keys.token=bearer " + auth + "keys.ca=ca.pem":           {"secretName: prom\n            items:", `- {key: "bearer", path: token}` + "\n", `- {key: "ca.pem", path: ca.crt}` + "\n"},
		auth + "headers.X-Scope-OrgID=a|b":                                                          {`- "--prometheus-header=X-Scope-OrgID=a|b"` + "\n"},
		auth + "triggerAuthentication.name=prom " + auth + "triggerAuthentication.authModes=bearer": {"- --prometheus-trigger-authentication=ClusterTriggerAuthentication/prom\n", "- --prometheus-auth-modes=bearer\n"},
	} {
		out := chart(t, strings.Fields(set)...)
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is not there", set, want)
			}
		}
		objects(t, out)
		if off := chart(t, append(strings.Fields(set), "scaler.enabled=false")...); strings.Contains(off, "--prometheus") || strings.Contains(off, "secretName: prom") {
			t.Errorf("%s: it is there though nothing is scaled", set)
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
		got := [4]int{len(only[*policyv1.PodDisruptionBudget](all)), len(only[*networkingv1.NetworkPolicy](all)), len(only[*serviceMonitor](all)), len(only[*corev1.ConfigMap](all))}
		if got != count {
			t.Errorf("%s: %v, want %v", set, got, count)
		}
	}
}
