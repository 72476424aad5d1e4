// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// A patch that took all labels of a node away, with the last of ours, once made nodes unschedulable.
func TestPlanner_LabelsOfOthersStayWhenTheLastModelGoes(t *testing.T) {
	t.Parallel()
	now := time.Unix(1.8e9, 0)
	foreign := map[string]string{"kubernetes.io/hostname": "node1", "models.example.com/a": "b"}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node1", Labels: maps.Clone(foreign)},
		Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(node).Build()
	p := &Planner{Client: c}
	cache := v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: "node1"}, Status: v1alpha1.CacheNodeStatus{ReportedAt: &metav1.Time{Time: now},
		Conditions: []metav1.Condition{{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionTrue}}}}
	for _, models := range [][]v1alpha1.HeldModel{
		{{Namespace: "a", Name: "m", Phase: v1alpha1.ReadyPhase}, {Namespace: "a", Name: "n", Phase: v1alpha1.FetchingPhase}, {Namespace: "a", Name: "f", Phase: v1alpha1.FailedPhase}},
		{{Namespace: "a", Name: "o", Phase: v1alpha1.ReadyPhase}},
		nil,
	} {
		cache.Status.Models = models
		want := maps.Clone(foreign)
		for _, m := range models {
			if m.Phase != v1alpha1.FailedPhase {
				want[v1alpha1.ModelLabel(m.Namespace, m.Name)] = string(m.Phase)
			}
		}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(node), node); err != nil {
			t.Fatal(err)
		}
		w := world{caches: []v1alpha1.CacheNode{cache}, nodes: map[string]*corev1.Node{"node1": node}}
		if err := p.writeLabels(t.Context(), w, now); err != nil {
			t.Fatal(err)
		}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(node), node); err != nil || !maps.Equal(node.Labels, want) {
			t.Errorf("with %d models the node is labeled %v, want %v; %v", len(models), node.Labels, want, err)
		}
	}
}

func TestModelLabel_IsValidAndItsOwnForEveryModel(t *testing.T) {
	t.Parallel()
	label := rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := label.Draw(t, "namespace"), label.Draw(t, "name")
		if wrong := validation.IsQualifiedName(v1alpha1.ModelLabel(a, b)); len(wrong) > 0 {
			t.Errorf("%s: %v", v1alpha1.ModelLabel(a, b), wrong)
		}
		if c := label.Draw(t, "other"); c != b && v1alpha1.ModelLabel(a, b) == v1alpha1.ModelLabel(a, c) {
			t.Errorf("%s and %s of %s have one label", b, c, a)
		}
	})
}
