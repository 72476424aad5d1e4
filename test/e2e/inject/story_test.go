// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package inject_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// One annotation on a Deployment: mounted, not Ready while the weights come into VRAM, Ready, in the Service's endpoints, and never before.
func TestDeployment_GetsTrafficWhenItsWeightsAreInVRAM(t *testing.T) { //nolint:paralleltest // looks at all that is in VRAM
	s := newScene(t)
	// Its own probe is content at once: only the gate knows.
	s.server("llama", "0.02", "", "          readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}\n"+
		"          startupProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}\n        - name: front\n          image: IMAGE\n          args: [serve, ':8080']\n"+
		"          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n")
	waited := false
	pod := s.onePod("llama", "let in by the gate", func(pod *corev1.Pod) bool {
		ready, err := s.endpoints(t.Context(), "llama")
		if err != nil || pod.Spec.NodeName == "" {
			return false
		}
		// Asked in this order, what was there before the endpoint was is certain to be there still.
		bytes, err := s.inVRAM(pod.Spec.NodeName)
		if err != nil {
			return false
		}
		if ready > 0 && bytes < weights*85/100 {
			t.Fatalf("it gets traffic with %d bytes in VRAM", bytes)
		}
		if g := gate(pod); g.Status == corev1.ConditionFalse && condition(pod, corev1.ContainersReady).Status == corev1.ConditionTrue {
			waited = true
			if g.Reason != "WeightsLoading" || !strings.Contains(g.Message, "GiB on 0 of 1 GPUs") || suite.PodReady(pod) {
				t.Errorf("while it loads it says %+v, and the pod is Ready: %v", g, suite.PodReady(pod))
			}
		}
		return gate(pod).Status == corev1.ConditionTrue && suite.PodReady(pod) && ready == 1
	})
	if g := gate(pod); g.Reason != "WeightsResident" || !waited {
		t.Errorf("it opened as %+v; it was seen waiting: %v", g, waited)
	}
	s.Await("the CacheNode to say whose memory it is", func(ctx context.Context) (bool, error) {
		var c v1alpha1.CacheNode
		if err := s.Hoist.Get(ctx, clientKey(pod.Spec.NodeName), &c); err != nil {
			return false, err
		}
		for _, g := range c.Status.GPUs {
			for _, p := range g.Pods {
				if p.Name == pod.Name && p.UsedBytes >= weights*3/4 {
					return g.TotalBytes == vram, nil
				}
			}
		}
		return false, fmt.Errorf("its GPUs are %+v", c.Status.GPUs)
	})
}

// What the server needs is there, and a Deployment whose annotation goes loses it all with its next pods.
func TestDeployment_ForgetsTheModelWithItsAnnotation(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.server("llama", "0", "", "")
	pod := s.AwaitReady("llama", 1)[0]
	c := pod.Spec.Containers[0]
	if c.StartupProbe != nil || c.ReadinessProbe == nil || c.ReadinessProbe.HTTPGet.Port.IntVal != 8000 ||
		!slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/models/llama" && m.ReadOnly }) ||
		pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		t.Errorf("the pod is %+v", pod.Spec)
	}
	if _, err := s.Kubectl(t.Context(), "annotate", "deployment", "llama", "hoist.dev/model-"); err != nil {
		t.Fatal(err)
	}
	s.Await("a pod without the volume", func(ctx context.Context) (bool, error) {
		pods, err := s.pods(ctx, "llama")
		if err != nil {
			return false, err
		}
		for i := range pods {
			if _, asks := pods[i].Annotations[v1alpha1.ModelAnnotation]; !asks && len(pods[i].Spec.ReadinessGates) == 0 {
				return true, nil
			}
		}
		return false, fmt.Errorf("%d pods", len(pods))
	})
}

// Whoever applies what will not work is told at once.
func TestDeployment_ItsAuthorIsWarned(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	out, err := ns.Kubectl(t.Context(), "create", "deployment", "web", "--image="+"nginx", "--dry-run=server", "-o", "name")
	if err != nil {
		t.Fatal(out, err)
	}
	manifest := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: " + ns.Name + ", annotations: {hoist.dev/model: nobody-made-it}}\n" +
		"spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: nginx}]}}}\n"
	cmd := ns.Cluster.KubectlCommand(t.Context(), "apply", "--dry-run=server", "-f", "-")
	cmd.Stdin = strings.NewReader(manifest)
	said, err := cmd.CombinedOutput()
	for _, warning := range []string{"there is no Model " + ns.Name + "/nobody-made-it", "asks for no nvidia.com/gpu", "name it with hoist.dev/server"} {
		if err != nil || !strings.Contains(string(said), "Warning: ") || !strings.Contains(string(said), warning) {
			t.Errorf("%q is not among %s, %v", warning, said, err)
		}
	}
}

// A GPU that is too small is never tried.
func TestPod_AvoidsGPUsThatAreTooSmall(t *testing.T) { //nolint:paralleltest // changes a node's label for all others
	s := newScene(t)
	label := func(value string) {
		t.Helper()
		if _, err := s.Kubectl(t.Context(), "label", "node", "node1", "--overwrite", "nvidia.com/gpu.memory="+value); err != nil {
			t.Fatal(err)
		}
	}
	label("1000")
	defer label(fmt.Sprint(vram >> 20))
	s.server("llama", "0", ", hoist.dev/vram-per-gpu: 2Gi", "")
	if pod := s.AwaitReady("llama", 1)[0]; pod.Spec.NodeName != "node2" {
		t.Errorf("it is on %s", pod.Spec.NodeName)
	}
}

// A server that loads when it is asked is asked by the agent, and is Ready when it has loaded.
func TestPod_OfALazyServerIsAskedToLoad(t *testing.T) { //nolint:paralleltest // looks at all that is in VRAM
	s := newScene(t)
	s.Apply(strings.NewReplacer("SIMSERVER", harness.Reference("simserver"), "SOCKET", harness.GPUSocket).Replace(`
apiVersion: v1
kind: Pod
metadata:
  name: lazy
  namespace: NAMESPACE
  labels: {app: lazy}
  annotations: {hoist.dev/model: llama, hoist.dev/server: Ollama, hoist.dev/served-model: "tiny:1b"}
spec:
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: server
      image: SIMSERVER
      args: [--server=ollama, --model=$(HOIST_MODEL_PATH), --served-model-name=tiny:1b, --gpu-socket=SOCKET, --vram-gbps=0.02]
      resources: {limits: {nvidia.com/gpu: 1}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`))
	pod := s.AwaitReady("lazy", 1)[0]
	bytes, err := s.inVRAM(pod.Spec.NodeName)
	if g := gate(&pod); err != nil || g.Reason != "WeightsResident" || bytes < weights*85/100 {
		t.Errorf("it is Ready with %d bytes in VRAM, %v, as %+v", bytes, err, g)
	}
}
