// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package harness_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/test/cluster/harness"
)

// A second cluster, without a node of its own and so without root, holds a thousand simulated ones and the pods on them.
func TestKWOK_AThousandNodesBesideAnotherCluster(t *testing.T) {
	t.Parallel()
	cluster := up(t, harness.Options{Name: "kwok-" + strconv.Itoa(os.Getpid()), KWOK: 1000})
	client, err := cluster.Client()
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: harness.SimulatedLabel})
	if err != nil || len(nodes.Items) != 1000 {
		t.Fatalf("%d nodes, %v", len(nodes.Items), err)
	}
	const pods = 200
	if err := cluster.Apply(t.Context(), fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: many, namespace: default}
spec:
  replicas: %d
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec:
      tolerations: [{key: %q, operator: Exists}]
      containers: [{name: c, image: none, resources: {limits: {nvidia.com/gpu: 8}}}]
`, pods, harness.SimulatedLabel)); err != nil {
		t.Fatal(err)
	}
	err = harness.Await(t.Context(), "the pods to be Ready", func(ctx context.Context) (bool, error) {
		deployment, err := client.AppsV1().Deployments("default").Get(ctx, "many", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		if deployment.Status.ReadyReplicas < pods {
			return false, fmt.Errorf("the deployment says %+v", deployment.Status)
		}
		return true, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// up starts a cluster beside the suite's own, and removes it when the test ends.
func up(t *testing.T, options harness.Options) *harness.Cluster {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	options.Self, options.Owned = self, true
	cluster, err := harness.Up(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return cluster
}
