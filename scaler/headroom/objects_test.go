// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package headroom_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/headroom"
)

var update = flag.Bool("update", false, "write testdata instead of comparing it")

func llama() *v1alpha1.ScalePolicy {
	p := &v1alpha1.ScalePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "llama", UID: "0a1b"}}
	p.Spec.Target = v1alpha1.ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: "llama-server"}
	return p
}

// server has all that decides where a pod may run, and much that does not.
const server = `
metadata: {labels: {app: llama}, annotations: {hoist.dev/model: llama3}}
spec:
  serviceAccountName: llama
  hostNetwork: true
  priorityClassName: high
  runtimeClassName: nvidia
  overhead: {cpu: 250m}
  schedulerName: packing
  nodeSelector: {pool: gpu}
  tolerations: [{key: nvidia.com/gpu, operator: Exists}]
  topologySpreadConstraints:
    - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: llama}}, matchLabelKeys: [pod-template-hash]}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms: [{matchExpressions: [{key: nvidia.com/gpu.memory, operator: Gt, values: ["80000"]}]}]
    podAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: llama}}}
        - {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: gateway}}}
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: llama}}, matchLabelKeys: [pod-template-hash]}
      preferredDuringSchedulingIgnoredDuringExecution:
        - {weight: 5, podAffinityTerm: {topologyKey: kubernetes.io/hostname, namespaces: [team-b], labelSelector: {matchLabels: {app: noisy}}}}
  initContainers:
    - {name: check, image: check, resources: {requests: {cpu: "9", memory: 1Gi}}}
    - {name: sidecar, image: envoy, restartPolicy: Always, resources: {requests: {cpu: 500m, memory: 256Mi}}}
  containers:
    - name: server
      image: vllm/vllm-openai
      env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: token}}}]
      ports: [{containerPort: 8000, hostPort: 8000}]
      resources: {requests: {cpu: "4", memory: 32Gi}, limits: {nvidia.com/gpu: 2, memory: 64Gi}}
      volumeMounts: [{name: shm, mountPath: /dev/shm}]
    - {name: metrics, image: metrics, resources: {limits: {cpu: 100m, memory: 64Mi}}}
  volumes: [{name: shm, hostPath: {path: /dev/shm}}]
`

const small = `
spec:
  containers: [{name: server, image: llamacpp, resources: {requests: {memory: 8Gi}}}]
`

func template(t *testing.T, text string) *corev1.PodTemplateSpec {
	t.Helper()
	var template corev1.PodTemplateSpec
	if err := yaml.UnmarshalStrict([]byte(text), &template); err != nil {
		t.Fatal(err)
	}
	return &template
}

var made = headroom.Made{Namespace: "hoist-placeholders", Image: "registry.k8s.io/pause:3.10.1", PriorityClass: "hoist-placeholder"}

func TestObjects_Golden(t *testing.T) {
	t.Parallel()
	full, err := headroom.Placeholders(llama(), template(t, server), "llama3", 3, made)
	if err != nil {
		t.Fatal(err)
	}
	least, err := headroom.Placeholders(llama(), template(t, small), "", 1, made)
	if err != nil {
		t.Fatal(err)
	}
	for name, object := range map[string]any{"placeholders": full, "placeholders-small": least, "buffer": headroom.Buffer(llama(), "v1beta1", 2)} {
		got, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".yaml")
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: go test ./scaler/headroom -update writes it (-want +got):\n%s", path, diff)
		}
	}
}

// Whatever the target's pods may do, placeholders may not: Pod Security calls them restricted.
func TestPlaceholders_AreRestricted(t *testing.T) {
	t.Parallel()
	d, err := headroom.Placeholders(llama(), template(t, server), "", 1, made)
	if err != nil {
		t.Fatal(err)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	said := policy.AggregateCheckResults(evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &d.Spec.Template.ObjectMeta, &d.Spec.Template.Spec))
	if !said.Allowed {
		t.Error(said.ForbiddenDetail())
	}
}

// A claim of a device can't be made way from.
func TestPlaceholders_RefuseClaims(t *testing.T) {
	t.Parallel()
	claims := template(t, small)
	claims.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu"}}
	if d, err := headroom.Placeholders(llama(), claims, "", 1, made); err == nil {
		t.Errorf("it has %v", d)
	}
}
