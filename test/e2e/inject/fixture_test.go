// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package inject_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// weights of the model llama, in bytes.
const weights = 64 << 20

// scene is a namespace that enforces "restricted", with the Model llama.
type scene struct {
	suite.Namespace
	*suite.Origin
	files map[string][]byte
	t     *testing.T
}

func newScene(t *testing.T) scene {
	t.Helper()
	ns := suite.NewNamespace(t, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	s := scene{Namespace: ns, Origin: suite.NewOrigin(t, ns.Cluster, ns.Name), t: t}
	s.files = s.PutModel(t, "llama/", synth.Options{Size: weights, Shard: 32 << 20, Seed: 80})
	s.Apply(strings.NewReplacer("first", s.S3.AccessKey, "second", s.S3.SecretKey, "BUCKET", s.Bucket, "ENDPOINT", s.Endpoint).Replace(`
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: NAMESPACE}
stringData: {AWS_ACCESS_KEY_ID: first, AWS_SECRET_ACCESS_KEY: second}
---
apiVersion: hoist.dev/v1alpha1
kind: Model
metadata: {name: llama, namespace: NAMESPACE}
spec: {source: "s3://BUCKET/llama/", s3: {endpoint: "ENDPOINT", region: us-east-1}, credentials: {secretName: keys}}
`))
	s.Await("the Model to be resolved", func(ctx context.Context) (bool, error) {
		var m v1alpha1.Model
		err := s.Hoist.Get(ctx, client.ObjectKey{Namespace: s.Name, Name: "llama"}, &m)
		return m.Status.Revision != "", err
	})
	return s
}

// server is a Deployment of the simulated server, annotated at its top, that loads at so many GB/s. annotations and container are added,
// in YAML's flow style.
func (s scene) server(name, gbps, annotations, container string) {
	s.t.Helper()
	s.Apply(strings.NewReplacer("SERVER", name, "SIMSERVER", harness.Reference("simserver"), "SOCKET", harness.GPUSocket, "GBPS", gbps,
		"ANNOTATIONS", annotations, "CONTAINER", container).Replace(`
apiVersion: apps/v1
kind: Deployment
metadata:
  name: SERVER
  namespace: NAMESPACE
  annotations: {hoist.dev/model: llama, hoist.dev/server: vLLMANNOTATIONS}
spec:
  selector: {matchLabels: {app: SERVER}}
  template:
    metadata: {labels: {app: SERVER}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: server
          image: SIMSERVER
          args: [--model=$(HOIST_MODEL_PATH), --served-model-name=tiny, --gpu-socket=SOCKET, --vram-gbps=GBPS]
          resources: {limits: {nvidia.com/gpu: 1}}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
CONTAINER
---
apiVersion: v1
kind: Service
metadata: {name: SERVER, namespace: NAMESPACE}
spec: {selector: {app: SERVER}, ports: [{port: 8000}]}
`))
}

// pods of a server, whatever they are.
func (s scene) pods(ctx context.Context, name string) ([]corev1.Pod, error) {
	list, err := s.Client.CoreV1().Pods(s.Name).List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// onePod waits until a server has one, and it is as it should be.
func (s scene) onePod(name, what string, is func(*corev1.Pod) bool) *corev1.Pod {
	s.t.Helper()
	var found *corev1.Pod
	s.Await(fmt.Sprintf("the pod of %s to be %s", name, what), func(ctx context.Context) (bool, error) {
		pods, err := s.pods(ctx, name)
		if err != nil || len(pods) != 1 {
			return false, fmt.Errorf("%d pods, %w", len(pods), err)
		}
		if found = &pods[0]; !is(found) {
			return false, fmt.Errorf("its conditions are %+v, its events: %s", found.Status.Conditions, s.events(ctx, found.Name))
		}
		return true, nil
	})
	return found
}

func (s scene) events(ctx context.Context, object string) string {
	events, err := s.Client.CoreV1().Events(s.Name).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=" + object})
	if err != nil {
		return err.Error()
	}
	var said []string
	for i := range events.Items {
		said = append(said, events.Items[i].Reason+": "+events.Items[i].Message)
	}
	return strings.Join(said, "; ")
}

// gate is the condition that the pod's readiness waits for.
func gate(pod *corev1.Pod) corev1.PodCondition {
	return condition(pod, v1alpha1.WeightsInVRAMCondition)
}

func condition(pod *corev1.Pod, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{Status: corev1.ConditionUnknown}
}

// endpoints are the ready addresses of a server's Service.
func (s scene) endpoints(ctx context.Context, name string) (ready int, err error) {
	slices, err := s.Client.DiscoveryV1().EndpointSlices(s.Name).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + name})
	if err != nil {
		return 0, err
	}
	for i := range slices.Items {
		for _, e := range slices.Items[i].Endpoints {
			if e.Conditions.Ready != nil && *e.Conditions.Ready {
				ready++
			}
		}
	}
	return ready, nil
}

// inVRAM are the bytes that processes of a node hold.
func (s scene) inVRAM(node string) (sum int64, err error) {
	n, err := s.Cluster.Node(node)
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(n.Machine.Path(fakegpu.DefaultState))
	if err != nil {
		return 0, err
	}
	state, err := fakegpu.Parse(text)
	if err != nil {
		return 0, err
	}
	for _, d := range state.Devices {
		for _, p := range d.Processes {
			sum += p.UsedBytes
		}
	}
	return sum, nil
}
