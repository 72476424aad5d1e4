// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package inject_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// Rollouts of servers that load for 0.1 to 60 seconds: how long after the weights are in VRAM the gate opens, and whether a pod was ever
// restarted, or Ready before. HOIST_MEASURE is how many.
func TestMeasure_FromVRAMToTheGate(t *testing.T) { //nolint:paralleltest // measures
	rollouts, err := strconv.Atoi(os.Getenv("HOIST_MEASURE"))
	if err != nil {
		t.Skip("set HOIST_MEASURE=40 to measure 40 rollouts")
	}
	s := newScene(t)
	var mu sync.Mutex
	var late []time.Duration
	var lanes sync.WaitGroup
	for lane, node := range s.Cluster.Nodes() {
		lanes.Go(func() {
			for i := lane; i < rollouts; i += len(s.Cluster.Nodes()) {
				load := []float64{0.1, 0.5, 1, 3, 20, 60}[i/len(s.Cluster.Nodes())%6]
				took := s.rollout(fmt.Sprintf("server-%d", i), node, load)
				mu.Lock()
				late = append(late, took)
				mu.Unlock()
			}
		})
	}
	lanes.Wait()
	slices.Sort(late)
	t.Logf("%d rollouts: the gate opens %v after the weights are there (median), %v at most", len(late), late[len(late)/2], late[len(late)-1])
}

// rollout runs one server that loads for so many seconds, alone on its node, and says how long after its weights its gate opened.
func (s scene) rollout(name, node string, seconds float64) (late time.Duration) {
	s.Apply(strings.NewReplacer("SERVER", name, "NODE", node, "SIMSERVER", harness.Reference("simserver"), "SOCKET", harness.GPUSocket,
		"GBPS", fmt.Sprintf("%.4f", weights/1e9/seconds)).Replace(`
apiVersion: v1
kind: Pod
metadata: {name: SERVER, namespace: NAMESPACE, labels: {app: SERVER}, annotations: {hoist.dev/model: llama, hoist.dev/server: vLLM}}
spec:
  nodeSelector: {kubernetes.io/hostname: NODE}
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: server
      image: SIMSERVER
      args: [--model=$(HOIST_MODEL_PATH), --served-model-name=tiny, --gpu-socket=SOCKET, --vram-gbps=GBPS]
      resources: {limits: {nvidia.com/gpu: 1}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`))
	watch, err := s.Client.CoreV1().Pods(s.Name).Watch(s.t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		s.t.Error(err)
		return 0
	}
	defer watch.Stop()
	var there, opened time.Time
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.t.Context().Done():
			return 0
		case <-tick.C:
			bytes, err := s.inVRAM(node)
			if err != nil {
				s.t.Error(err)
			}
			if there.IsZero() && bytes >= weights*85/100 {
				there = time.Now()
			}
		case e := <-watch.ResultChan():
			pod, ok := e.Object.(*corev1.Pod)
			if !ok {
				continue
			}
			if gate(pod).Status == corev1.ConditionTrue && opened.IsZero() {
				opened = time.Now()
			}
			if !suite.PodReady(pod) {
				continue
			}
			if there.IsZero() || pod.Status.ContainerStatuses[0].RestartCount > 0 {
				s.t.Errorf("%s is Ready, its weights there: %v, restarts: %d", name, !there.IsZero(), pod.Status.ContainerStatuses[0].RestartCount)
			}
			if _, err := s.Kubectl(s.t.Context(), "delete", "pod", name, "--wait"); err != nil {
				s.t.Error(err)
			}
			return opened.Sub(there)
		}
	}
}
