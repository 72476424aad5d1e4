// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package harness_test

import (
	"context"
	"os"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// The power of a node is cut: the cluster sees it go, and when it returns its pods and its disks are there again.
func TestNode_StopsAndReturnsWithItsDisk(t *testing.T) { //nolint:paralleltest // takes a node from all others
	ns := suite.NewNamespace(t, nil)
	ns.Apply(server)
	ns.AwaitReady("server", 2)
	node, err := ns.Cluster.Node("node2")
	if err != nil {
		t.Fatal(err)
	}
	const kept = "/var/lib/hoist/kept"
	if err := os.WriteFile(node.Machine.Path(kept), []byte("on disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ns.Cluster.StopNode(t.Context(), "node2"); err != nil {
		t.Fatal(err)
	}
	awaitNode(ns, "node2", false)
	if err := ns.Cluster.StartNode(t.Context(), "node2"); err != nil {
		t.Fatal(err)
	}
	awaitNode(ns, "node2", true)
	ns.AwaitReady("server", 2)

	if node, err = ns.Cluster.Node("node2"); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(node.Machine.Path(kept))
	if err != nil || string(content) != "on disk" {
		t.Errorf("after the return the disk has %q, %v", content, err)
	}
}

// A node that is cut off goes on by itself: its pods are never started again.
func TestNode_IsCutOffAndHeals(t *testing.T) { //nolint:paralleltest // takes a node from all others
	ns := suite.NewNamespace(t, nil)
	ns.Apply(server)
	before := ns.AwaitReady("server", 2)
	if err := ns.Cluster.CutNode(t.Context(), "node1"); err != nil {
		t.Fatal(err)
	}
	awaitNode(ns, "node1", false)
	if err := ns.Cluster.HealNode(t.Context(), "node1"); err != nil {
		t.Fatal(err)
	}
	awaitNode(ns, "node1", true)
	after := ns.AwaitReady("server", 2)
	for i := range after {
		was := slices.IndexFunc(before, func(pod corev1.Pod) bool { return pod.UID == after[i].UID })
		if was < 0 || after[i].Status.ContainerStatuses[0].RestartCount != before[was].Status.ContainerStatuses[0].RestartCount {
			t.Errorf("pod %s is another one, or was started again", after[i].Name)
		}
	}
}

func awaitNode(ns suite.Namespace, name string, ready bool) {
	what := name + " to be Ready"
	if !ready {
		what = name + " to be not Ready"
	}
	ns.Await(what, func(ctx context.Context) (bool, error) {
		node, err := ns.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		is := slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
		return is == ready, nil
	})
}
