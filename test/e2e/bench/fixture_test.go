// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package bench_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/cluster"
	"github.com/hoist-dev/hoist/bench/origin"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
	"github.com/hoist-dev/hoist/test/e2e/suite"
	"github.com/hoist-dev/hoist/test/s3test/versity"
)

// scene is a namespace with the Model llama, the Deployment server that mounts it, and the Deployment plain that downloads it each time.
type scene struct {
	suite.Namespace
	*origin.Origin
	t *testing.T
}

// newScene makes one, of a model of so many bytes, with so many replicas of server.
func newScene(t *testing.T, size int64, replicas string) scene {
	t.Helper()
	ns := suite.NewNamespace(t, nil)
	o, err := origin.Start(t.Context(), origin.Config{Server: versity.Build(t), Dir: t.TempDir(), Bucket: "models", Listen: ns.Cluster.Computer(),
		Road: origin.Road{Latency: 20 * time.Millisecond, Connection: 85e6}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	if _, err := o.Publish(t.Context(), "llama/", filepath.Join(t.TempDir(), "staging"), synth.Options{Size: size, Shard: (size + 3) / 4, Seed: 90}, nil); err != nil {
		t.Fatal(err)
	}
	s := scene{Namespace: ns, Origin: o, t: t}
	s.Apply(strings.NewReplacer("FIRST", o.Access, "SECOND", o.Secret, "BUCKET", o.Bucket, "ROAD", o.Endpoint, "SIMSERVER", harness.Reference("simserver"),
		"SOCKET", harness.GPUSocket, "REPLICAS", replicas).Replace(manifests))
	s.AwaitCondition(new(v1alpha1.Model), "llama", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
	if replicas != "0" {
		s.AwaitReady("server", 1)
	}
	return s
}

const manifests = `
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: NAMESPACE}
stringData: {AWS_ACCESS_KEY_ID: FIRST, AWS_SECRET_ACCESS_KEY: SECOND}
---
apiVersion: hoist.dev/v1alpha1
kind: Model
metadata: {name: llama, namespace: NAMESPACE}
spec: {source: "s3://BUCKET/llama/", s3: {endpoint: "ROAD", region: us-east-1}, credentials: {secretName: keys}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: server
  namespace: NAMESPACE
  annotations: {hoist.dev/model: llama, hoist.dev/server: vLLM}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: server}}
  template:
    metadata: {labels: {app: server}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: server
          image: SIMSERVER
          args: [--model=$(HOIST_MODEL_PATH), --served-model-name=tiny, --service-time=0s, --gpu-socket=SOCKET]
          ports: [{name: http, containerPort: 8000}]
          readinessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 1}
          resources: {limits: {nvidia.com/gpu: 1}}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: NAMESPACE}
spec: {selector: {app: server}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain, namespace: NAMESPACE}
spec:
  replicas: 0
  selector: {matchLabels: {app: plain}}
  template:
    metadata: {labels: {app: plain}}
    spec:
      terminationGracePeriodSeconds: 1
      initContainers:
        - name: storage-initializer
          image: SIMSERVER
          args: [download, BUCKET, llama/, /models]
          env:
            - {name: AWS_ENDPOINT_URL_S3, value: ROAD}
            - {name: AWS_REGION, value: us-east-1}
          envFrom: [{secretRef: {name: keys}}]
          volumeMounts: [{name: models, mountPath: /models}]
      containers:
        - name: server
          image: SIMSERVER
          args: [--model=/models, --served-model-name=tiny, --service-time=0s]
          ports: [{name: http, containerPort: 8000}]
          readinessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 1}
          volumeMounts: [{name: models, mountPath: /models}]
      volumes: [{name: models, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: NAMESPACE}
spec: {selector: {app: plain}, ports: [{port: 80, targetPort: http}]}
`

// hoist is hoist bench cluster on the namespace.
func (s scene) hoist(arguments ...string) *exec.Cmd {
	s.t.Helper()
	root, err := toolchain.Root()
	if err != nil {
		s.t.Fatal(err)
	}
	program := filepath.Join(s.t.TempDir(), "hoist")
	build := exec.CommandContext(s.t.Context(), "go", "build", "-o", program, "./cmd/hoist")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(s.t.Context(), program, append([]string{"bench", "cluster", "-n", s.Name, "--deployment", "server"}, arguments...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.Cluster.Kubeconfig())
	return cmd
}

// asBefore wants the Deployments and the cache to be as they were.
func (s scene) asBefore(replicas int32) {
	s.t.Helper()
	for name, want := range map[string]int32{"server": replicas, "plain": 0} {
		d, err := s.Namespace.Client.AppsV1().Deployments(s.Name).Get(s.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		if *d.Spec.Replicas != want || d.Annotations[cluster.ReplicasAnnotation] != "" {
			s.t.Errorf("Deployment %s has %d replicas and the annotations %v", name, *d.Spec.Replicas, d.Annotations)
		}
	}
	var left v1alpha1.PrefetchList
	if err := s.Hoist.List(s.t.Context(), &left); err != nil {
		s.t.Fatal(err)
	}
	for i := range left.Items {
		if left.Items[i].Namespace == s.Name {
			s.t.Errorf("Prefetch %s is left", left.Items[i].Name)
		}
	}
	var model v1alpha1.Model
	if err := s.Hoist.Get(s.t.Context(), client.ObjectKey{Namespace: s.Name, Name: "llama"}, &model); err != nil {
		s.t.Fatal(err)
	}
	if model.Annotations[v1alpha1.EvictBeforeAnnotation] != "" || model.Annotations[cluster.HoldersAnnotation] != "" {
		s.t.Errorf("the Model has the annotations %v", model.Annotations)
	}
	leases, err := s.Namespace.Client.CoordinationV1().Leases(s.Name).List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(leases.Items) > 0 {
		s.t.Errorf("the Lease %s is left", leases.Items[0].Name)
	}
}

// server is the pod of the Deployment server that is there.
func (s scene) server() corev1.Pod { return s.AwaitReady("server", 1)[0] }

// awaitReplicas waits until the Deployment server is told to have so many.
func (s scene) awaitReplicas(replicas int32) {
	s.t.Helper()
	s.Await("the Deployment to be scaled", func(ctx context.Context) (bool, error) {
		d, err := s.Namespace.Client.AppsV1().Deployments(s.Name).Get(ctx, "server", metav1.GetOptions{})
		return err == nil && *d.Spec.Replicas == replicas, err
	})
}

// saying runs cmd and wants an exit code and words.
func (s scene) saying(cmd *exec.Cmd, code int, words ...string) {
	s.t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("exit code %d, want %d: %s", got, code, out.String())
	}
	for _, w := range words {
		if !strings.Contains(out.String(), w) {
			s.t.Errorf("it does not say %q: %s", w, out.String())
		}
	}
	s.t.Log(out.String())
}
