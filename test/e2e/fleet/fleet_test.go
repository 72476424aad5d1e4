// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package fleet_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

const (
	models   = 200
	copies   = 5       // of each model
	budget   = 4 << 40 // bytes
	modelGiB = 16
)

// A thousand nodes and two hundred models are planned, and a node that joins is the only one that is written for.
func TestController_AThousandNodesAndTwoHundredModels(t *testing.T) { //nolint:paralleltest // looks at all writes
	c := newFleet(t)
	for i := range models {
		c.model(t, fmt.Sprintf("model-%d", i))
	}
	controller := c.startController(t)

	start := time.Now()
	for i := range models {
		c.prefetch(t, fmt.Sprintf("model-%d", i), new(int32(copies)))
	}
	c.prefetch(t, "model-0", nil)
	c.await(t, "every copy to be planned", func(all []v1alpha1.CacheNode) error {
		planned := 0
		for i := range all {
			planned += len(all[i].Spec.Models)
		}
		if want := nodes + (models-1)*copies; planned != want {
			return fmt.Errorf("%d of %d copies are", planned, want)
		}
		return nil
	})
	t.Logf("%d prefetches for %d nodes were planned and written within %v", models+1, nodes, time.Since(start).Round(time.Millisecond))

	before := c.versions(t)
	c.join(t, "late-node")
	c.await(t, "the node that joined to be planned for", func(all []v1alpha1.CacheNode) error {
		for i := range all {
			if all[i].Name == "late-node" && len(all[i].Spec.Models) == 1 {
				return nil
			}
		}
		return fmt.Errorf("it is not among %d", len(all))
	})
	for name, version := range c.versions(t) {
		if name != "late-node" && version != before[name] {
			t.Errorf("%s was written when another node joined", name)
		}
	}
	t.Logf("resident memory of the controller: %d MB", residentMB(t, controller))
}

// fleet is a cluster of simulated nodes.
type fleet struct {
	client.Client
	cluster *harness.Cluster
}

func newFleet(t *testing.T) fleet {
	t.Helper()
	f := fleet{cluster: suite.Cluster(t)}
	root, err := toolchain.Root()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.cluster.Kubectl(t.Context(), "apply", "--server-side", "-f", filepath.Join(root, "deploy", "chart", "crds")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.cluster.Kubectl(t.Context(), "wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"); err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	config := f.cluster.REST()
	config.QPS, config.Burst = 500, 500
	if f.Client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	var there corev1.NodeList
	if err := f.List(t.Context(), &there); err != nil {
		t.Fatal(err)
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(16)
	for i := range there.Items {
		group.Go(func() error { return f.report(ctx, there.Items[i].Name) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return f
}

// report writes what the agent of a new node does.
func (f fleet) report(ctx context.Context, node string) error {
	now := metav1.Now()
	cache := &v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: node}}
	if err := f.Create(ctx, cache); err != nil {
		return err
	}
	cache.Status = v1alpha1.CacheNodeStatus{ReportedAt: &now, Disk: v1alpha1.DiskStatus{BudgetBytes: budget}, Copies: v1alpha1.Copies{ReadyOfTotal: "0/0"},
		Conditions: []metav1.Condition{{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.AgentWorkingReason, LastTransitionTime: now}}}
	return f.Status().Update(ctx, cache)
}

// join adds a node as its kubelet does, and its agent.
func (f fleet) join(t *testing.T, name string) {
	t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := f.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	created := node.DeepCopy()
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	if err := f.Status().Patch(t.Context(), node, client.MergeFrom(created)); err != nil { // others write to it too
		t.Fatal(err)
	}
	if err := f.report(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// model is one that was resolved a moment ago, so that nobody looks at its source.
func (f fleet) model(t *testing.T, name string) {
	t.Helper()
	now := metav1.Now()
	m := &v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: v1alpha1.ModelSpec{Source: "s3://models/" + name + "/"}}
	if err := f.Create(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	revision := "sha256:" + strings.Repeat("0", 64)
	m.Status = v1alpha1.ModelStatus{ObservedGeneration: m.Generation, Revision: revision, LatestRevision: revision, Bytes: modelGiB << 30, CheckedAt: &now,
		Copies:     v1alpha1.Copies{ReadyOfTotal: "0/0"},
		Conditions: []metav1.Condition{{Type: v1alpha1.ResolvedCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.PinnedReason, LastTransitionTime: now}}}
	if err := f.Status().Update(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func (f fleet) prefetch(t *testing.T, model string, count *int32) {
	t.Helper()
	name := model
	if count == nil {
		name += "-everywhere"
	}
	p := &v1alpha1.Prefetch{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: v1alpha1.PrefetchSpec{ModelName: model, Nodes: v1alpha1.NodeTarget{Count: count}}}
	if err := f.Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// startController runs the real one beside the cluster, until the test ends.
func (f fleet) startController(t *testing.T) *exec.Cmd {
	t.Helper()
	root, err := toolchain.Root()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "hoist-controller")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/hoist-controller")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--namespace=default", "--listen=127.0.0.1:0")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+f.cluster.Kubeconfig())
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("the controller said\n%s", text)
		}
	})
	return cmd
}

func (f fleet) await(t *testing.T, what string, look func([]v1alpha1.CacheNode) error) {
	t.Helper()
	if err := harness.Await(t.Context(), what, func(ctx context.Context) (bool, error) {
		var all v1alpha1.CacheNodeList
		if err := f.List(ctx, &all); err != nil {
			return false, err
		}
		err := look(all.Items)
		return err == nil, err
	}); err != nil {
		t.Fatal(err)
	}
}

func (f fleet) versions(t *testing.T) map[string]string {
	t.Helper()
	var all v1alpha1.CacheNodeList
	if err := f.List(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for i := range all.Items {
		versions[all.Items[i].Name] = all.Items[i].ResourceVersion
	}
	return versions
}

func residentMB(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize() / 1_000_000
}
