// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
)

const queued = `
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: NAMESPACE}
spec:
  cohortName: NAMESPACE
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors:
        - {name: NAMESPACE-a100, resources: [{name: nvidia.com/gpu, nominalQuota: 80}]}
        - {name: NAMESPACE-h100, resources: [{name: nvidia.com/gpu, nominalQuota: 4}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: NAMESPACE-b}
spec:
  cohortName: NAMESPACE
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: NAMESPACE-h100, resources: [{name: nvidia.com/gpu, nominalQuota: 6, lendingLimit: 2}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: NAMESPACE-a100}
spec: {nodeLabels: {gpu: a100}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: NAMESPACE-h100}
spec: {nodeLabels: {gpu: h100}, nodeTaints: [{key: gpu, value: h100, effect: NoSchedule}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpus, namespace: NAMESPACE}
spec: {clusterQueue: NAMESPACE}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: keda-operator, namespace: NAMESPACE}
spec:
  replicas: 0
  selector: {matchLabels: {app: keda}}
  template:
    metadata: {labels: {app: keda}}
    spec: {containers: [{name: operator, image: "ghcr.io/kedacore/keda:2.18.1"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: llama, namespace: NAMESPACE}
spec:
  replicas: 0
  selector: {matchLabels: {app: llama}}
  template:
    metadata: {labels: {app: llama, kueue.x-k8s.io/queue-name: gpus}}
    spec:
      nodeSelector: {gpu: h100}
      tolerations: [{key: gpu, operator: Exists}]
      containers: [{name: server, image: vllm/vllm-openai, resources: {limits: {nvidia.com/gpu: "2"}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: theirs, namespace: NAMESPACE}
spec:
  scaleTargetRef: {name: llama}
  minReplicaCount: 0
  maxReplicaCount: 8
  triggers: [{type: cron, metadata: {timezone: UTC, start: 0 8 1 1 *, end: 1 8 1 1 *, desiredReplicas: "1"}}]
`

// Kueue's own kinds: the doctor finds a maximum that its queue would never admit, and which KEDA there is; a policy lowers it, and says why. KEDA takes what
// the HTTP add-on and DCGM add.
func TestPolicy_KnowsKueuesQuota(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.kueue()
	s.Apply(queued)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for kind, suffixes := range map[string][]string{"clusterqueue": {"", "-b"}, "resourceflavor": {"-a100", "-h100"}} {
			for _, suffix := range suffixes {
				if _, err := s.Kubectl(ctx, "delete", kind, s.Name+suffix); err != nil {
					t.Error(err)
				}
			}
		}
	})
	out := s.doctor("theirs")
	for _, says := range []string{"Kueue's ClusterQueue " + s.Name + ", with what the cohort " + s.Name + " lends, of nvidia.com/gpu, flavor " + s.Name + "-h100, admits 3 replicas at the most, and maxReplicaCount is 8 [kueue-quota-too-small]",
		"KEDA: it is release 2.18.1, older than 2.20.2 [keda-old]"} {
		if !strings.Contains(out, says) {
			t.Errorf("it does not say: %s", says)
		}
	}
	if _, err := s.Kubectl(t.Context(), "delete", "scaledobject", "theirs"); err != nil {
		t.Fatal(err)
	}
	s.Await("theirs to be gone", func(ctx context.Context) (bool, error) {
		err := s.Hoist.Get(ctx, client.ObjectKey{Namespace: s.Name, Name: "theirs"}, scaledObject())
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	s.Apply(`
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: ours, namespace: NAMESPACE}
spec:
  target: {name: llama}
  minReplicas: 0
  maxReplicas: 8
  wake: {httpAddOn: {route: llama}}
  gpu: {metric: Memory}
`)
	p := s.policy("ours", "Ready", ready)
	if !holds(p, v1alpha1.QuotaTooSmallCondition, v1alpha1.KueueReason) || p.Status.MaxReplicas != 3 || p.Status.MinReplicas != 0 {
		t.Errorf("it settled on %+v", p.Status)
	}
	if c := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.GPUMetricRefusedCondition); c == nil || c.Reason != v1alpha1.VRAMKeptReason {
		t.Errorf("used VRAM is not refused: %+v", p.Status.Conditions)
	}
	if _, err := s.Kubectl(t.Context(), "patch", "scalepolicy", "ours", "--type=merge", "--patch", `{"spec":{"gpu":{"metric":"Utilization"}}}`); err != nil {
		t.Fatal(err)
	}
	s.policy("ours", "scaled on utilization, too", func(p *v1alpha1.ScalePolicy) bool {
		return p.Status.ObservedGeneration == p.Generation && ready(p) && meta.FindStatusCondition(p.Status.Conditions, v1alpha1.GPUMetricRefusedCondition) == nil
	})
}

// kueue adds Kueue's kinds to the cluster, of the module that tools/kueue pins.
func (s scene) kueue() {
	s.t.Helper()
	root, err := toolchain.Root()
	if err != nil {
		s.t.Fatal(err)
	}
	download := exec.CommandContext(s.t.Context(), "go", "mod", "download", "-json", "sigs.k8s.io/kueue")
	download.Dir, download.Env = filepath.Join(root, "tools", "kueue"), append(os.Environ(), "GOFLAGS=")
	out, err := download.Output()
	var module struct{ Dir string }
	if err := errors.Join(err, json.Unmarshal(out, &module)); err != nil {
		s.t.Fatal(err)
	}
	for _, kind := range []string{"clusterqueues", "localqueues", "cohorts", "resourceflavors"} {
		page := filepath.Join(module.Dir, "config", "components", "crd", "bases", "kueue.x-k8s.io_"+kind+".yaml")
		if _, err := s.Kubectl(s.t.Context(), "apply", "--server-side", "-f", page); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.Kubectl(s.t.Context(), "wait", "--for=condition=Established", "crd/"+kind+".kueue.x-k8s.io", "--timeout=30s"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// doctor is what hoist doctor says of a ScaledObject.
func (s scene) doctor(name string) string {
	s.t.Helper()
	root, err := toolchain.Root()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), "go", "run", "./cmd/hoist", "doctor", name, "-n", s.Name)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "KUBECONFIG="+s.Cluster.Kubeconfig())
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) { // it found an Error
		s.t.Fatalf("%v\n%s", err, out)
	}
	s.t.Logf("%s", out)
	return string(out)
}
