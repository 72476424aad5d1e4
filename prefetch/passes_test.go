// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

var epoch = time.Unix(1.8e9, 0)

// apiServer is a fake one that counts what is written, by object.
type apiServer struct {
	client.Client
	writes map[string]int
}

func newAPIServer(objects ...client.Object) *apiServer {
	scheme := runtime.NewScheme()
	_ = corev1.AddToScheme(scheme) // can't fail
	_ = v1alpha1.AddToScheme(scheme)
	s := &apiServer{writes: map[string]int{}}
	count := func(object client.Object) { s.writes[fmt.Sprintf("%T %s", object, object.GetName())]++ }
	s.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.Model{}, &v1alpha1.Prefetch{}, &v1alpha1.CacheNode{}).
		WithInterceptorFuncs(interceptor.Funcs{
			Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, o ...client.PatchOption) error {
				count(object)
				return c.Patch(ctx, object, patch, o...)
			},
			SubResourcePatch: func(ctx context.Context, c client.Client, sub string, object client.Object, patch client.Patch, o ...client.SubResourcePatchOption) error {
				count(object)
				return c.SubResource(sub).Patch(ctx, object, patch, o...)
			},
		}).Build()
	return s
}

func readyNode(name string) (*corev1.Node, *v1alpha1.CacheNode) {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name}},
			Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}},
		&v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: v1alpha1.CacheNodeStatus{
			ReportedAt: &metav1.Time{Time: epoch}, Disk: v1alpha1.DiskStatus{BudgetBytes: 100},
			Conditions: []metav1.Condition{{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.AgentWorkingReason}}}}
}

func pinnedModel(name string, bytes int64) *v1alpha1.Model {
	return &v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}, Status: v1alpha1.ModelStatus{Revision: revision(name), Bytes: bytes}}
}

func revision(name string) string {
	return "sha256:" + strings.Repeat(fmt.Sprintf("%02x", name[len(name)-1]), 32)
}

// drawWorld is any cluster: nodes that work and that don't, models, what the nodes say that they hold, and prefetches.
func drawWorld(t *rapid.T) []client.Object {
	var objects []client.Object
	models := rapid.IntRange(0, 4).Draw(t, "models")
	for i := range models {
		m := pinnedModel(fmt.Sprintf("m%d", i), rapid.Int64Range(1, 60).Draw(t, "bytes"))
		if rapid.IntRange(0, 5).Draw(t, "unresolved") == 0 {
			m.Status.Revision = ""
		}
		objects = append(objects, m)
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "nodes") {
		node, cache := readyNode(fmt.Sprintf("n%d", i))
		if rapid.IntRange(0, 4).Draw(t, "not ready") == 0 {
			node.Status.Conditions[0].Status = corev1.ConditionUnknown
		}
		if rapid.IntRange(0, 4).Draw(t, "silent") == 0 {
			cache.Status.ReportedAt = &metav1.Time{Time: epoch.Add(-time.Hour)}
		}
		for j := range models {
			if phase := rapid.SampledFrom([]v1alpha1.Phase{"", v1alpha1.ReadyPhase, v1alpha1.FetchingPhase, v1alpha1.FailedPhase}).Draw(t, "phase"); phase != "" {
				name := fmt.Sprintf("m%d", j)
				cache.Status.Models = append(cache.Status.Models, v1alpha1.HeldModel{Namespace: "a", Name: name, Phase: phase, Revision: revision(name),
					BytesDone: 1, BytesTotal: 2, Mounts: rapid.Int32Range(0, 1).Draw(t, "mounts")})
			}
		}
		objects = append(objects, node, cache)
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "prefetches") {
		p := &v1alpha1.Prefetch{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: fmt.Sprintf("p%d", i)},
			Spec: v1alpha1.PrefetchSpec{ModelName: fmt.Sprintf("m%d", rapid.IntRange(0, 5).Draw(t, "of")), Suspend: rapid.Bool().Draw(t, "suspend"),
				Images: rapid.SampledFrom([][]string{nil, {"vllm:v1"}}).Draw(t, "images")}}
		if rapid.Bool().Draw(t, "counted") {
			p.Spec.Nodes.Count = new(rapid.Int32Range(1, 3).Draw(t, "count"))
		}
		if rapid.IntRange(0, 5).Draw(t, "bad schedule") == 0 {
			p.Spec.Schedule = &v1alpha1.Schedule{Start: "never", Duration: metav1.Duration{Duration: time.Hour}}
		}
		objects = append(objects, p)
	}
	return objects
}

// G1: a second pass over what nothing happened to writes nothing, whatever the cluster is like.
func TestPlanner_ASecondPassWritesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		s := newAPIServer(drawWorld(r)...)
		p := &Planner{Client: s, Now: func() time.Time { return epoch }}
		for pass := range 3 {
			clear(s.writes)
			if _, err := p.Reconcile(t.Context(), ctrl.Request{}); err != nil {
				r.Fatal(err)
			}
			if pass > 0 && len(s.writes) > 0 {
				r.Fatalf("pass %d writes %v", pass, s.writes)
			}
		}
	})
}

// A node that joins is written for, and no other.
func TestPlanner_ANodeThatJoinsIsTheOnlyOneWritten(t *testing.T) {
	t.Parallel()
	objects := []client.Object{pinnedModel("m0", 10), &v1alpha1.Prefetch{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "all"}, Spec: v1alpha1.PrefetchSpec{ModelName: "m0"}}}
	for i := range 5 {
		node, cache := readyNode(fmt.Sprintf("n%d", i))
		objects = append(objects, node, cache)
	}
	s := newAPIServer(objects...)
	p := &Planner{Client: s, Now: func() time.Time { return epoch }}
	if _, err := p.Reconcile(t.Context(), ctrl.Request{}); err != nil {
		t.Fatal(err)
	}
	node, cache := readyNode("late")
	for _, object := range []client.Object{node, cache} {
		if err := s.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	clear(s.writes)
	if _, err := p.Reconcile(t.Context(), ctrl.Request{}); err != nil {
		t.Fatal(err)
	}
	for what := range s.writes {
		if strings.Contains(what, "CacheNode") && !strings.HasSuffix(what, " late") {
			t.Errorf("%s was written", what)
		}
	}
	if s.writes["*v1alpha1.CacheNode late"] != 1 {
		t.Errorf("writes are %v", s.writes)
	}
}
