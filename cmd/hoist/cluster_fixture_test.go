// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

const someRevision = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// fakeCluster is a cluster in memory, in which the context's namespace is team-a.
type fakeCluster struct {
	client.Client
	t *testing.T
}

func newFakeCluster(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) fakeCluster {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(funcs).
		WithStatusSubresource(&v1alpha1.Prefetch{}).
		WithIndex(&appsv1.Deployment{}, "metadata.name", func(o client.Object) []string { return []string{o.GetName()} }).
		WithIndex(&corev1.Event{}, "involvedObject.name", func(o client.Object) []string {
			e, ok := o.(*corev1.Event)
			if !ok {
				return nil
			}
			return []string{e.InvolvedObject.Name}
		}).Build()
	return fakeCluster{c, t}
}

// run is the program on that cluster.
func (f fakeCluster) run(args ...string) outcome {
	f.t.Helper()
	root := newRootOn(func(a *access) (cluster, error) {
		namespace := "team-a"
		if a.namespace != "" {
			namespace = a.namespace
		}
		return cluster{Client: f.Client, namespace: namespace}, nil
	})
	var stdout, stderr output
	code := execute(f.t.Context(), root, args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "team-a", Name: name} }

func condition(kind, reason, message string, holds bool) []metav1.Condition {
	c := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message}
	if holds {
		c.Status = metav1.ConditionTrue
	}
	return []metav1.Condition{c}
}

func someModel(name string, bytes int64) *v1alpha1.Model {
	m := &v1alpha1.Model{ObjectMeta: named(name), Spec: v1alpha1.ModelSpec{Source: "s3://models/" + name + "/"}}
	m.Status.Revision, m.Status.Bytes, m.Status.Size = someRevision, bytes, v1alpha1.HumanBytes(bytes)
	m.Status.Conditions = condition(v1alpha1.ResolvedCondition, v1alpha1.PinnedReason, "", true)
	return m
}

// someNode is a node that works, with an agent.
func someNode(name string, held ...v1alpha1.HeldModel) []client.Object {
	now := metav1.NewTime(time.Now())
	c := &v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: name}}
	c.Status = v1alpha1.CacheNodeStatus{ReportedAt: &now, Models: held, Version: "v1", Disk: v1alpha1.DiskStatus{BudgetBytes: 64 << 30},
		Conditions: condition(v1alpha1.ReadyCondition, v1alpha1.AgentWorkingReason, "the agent works", true)}
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pool": "gpu"}}}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	csi := &storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{{Name: "csi.hoist.dev", NodeID: name}}}}
	return []client.Object{c, n, csi}
}

func heldModel(name string, phase v1alpha1.Phase, done int64) v1alpha1.HeldModel {
	return v1alpha1.HeldModel{Namespace: "team-a", Name: name, Revision: someRevision, Phase: phase, BytesTotal: 16 << 30, BytesDone: done,
		BytesPerSecond: 1 << 30, RemainingSeconds: 8}
}
