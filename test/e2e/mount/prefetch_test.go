// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
)

// A Prefetch brings a model to as many nodes as it says, no more, and to another one when it says more.
func TestPrefetch_OfACountTakesSoManyNodes(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 4 << 20, Shard: 4 << 20, Seed: 60})
	s.model("tiny", "tiny/", "")
	s.prefetch("one", "tiny", ", nodes: {count: 1}")
	s.awaitCondition(new(v1alpha1.Prefetch), "one", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	if holders := s.holders("tiny"); len(holders) != 1 {
		t.Errorf("%v hold it, want one node", holders)
	}
	s.prefetch("one", "tiny", ", nodes: {percent: 100}")
	s.awaitCondition(new(v1alpha1.Prefetch), "one", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	s.awaitHolders("tiny", s.Cluster.Nodes()...)

	s.prefetch("nowhere", "tiny", ", nodes: {selector: {matchLabels: {pool: none}}}")
	s.awaitCondition(new(v1alpha1.Prefetch), "nowhere", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.NoNodesReason)
}

// Outside of its window, or while it is suspended, a Prefetch fetches nothing and says so.
func TestPrefetch_WaitsForItsWindowAndWhileItIsSuspended(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 4 << 20, Shard: 4 << 20, Seed: 61})
	s.model("tiny", "tiny/", "")
	s.awaitCondition(new(v1alpha1.Model), "tiny", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
	later := time.Now().UTC().Add(6 * time.Hour)
	s.prefetch("later", "tiny", fmt.Sprintf(`, schedule: {start: "%d %d * * *", duration: 1h}`, later.Minute(), later.Hour()))
	s.awaitCondition(new(v1alpha1.Prefetch), "later", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.OutsideScheduleReason)
	s.prefetch("not-now", "tiny", ", suspend: true")
	s.awaitCondition(new(v1alpha1.Prefetch), "not-now", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.SuspendedReason)
	s.prefetch("odd", "tiny", `, schedule: {start: "61 * * * *", duration: 1h}`)
	s.awaitCondition(new(v1alpha1.Prefetch), "odd", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.ScheduleInvalidReason)
	if gets := s.Gets(); gets != 0 || len(s.holders("tiny")) != 0 {
		t.Errorf("%d requests for its bytes; %v hold it", gets, s.holders("tiny"))
	}

	now := time.Now().UTC().Add(-time.Hour)
	s.prefetch("later", "tiny", fmt.Sprintf(`, schedule: {start: "%d %d * * *", duration: 3h}`, now.Minute(), now.Hour()))
	s.awaitCondition(new(v1alpha1.Prefetch), "later", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	s.awaitCondition(new(v1alpha1.Prefetch), "not-now", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.SuspendedReason)
}

// G4: deleting a Prefetch takes away only what nobody else wants.
func TestPrefetch_IsDeletedAndWhatAnotherWantsStays(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 4 << 20, Shard: 4 << 20, Seed: 62})
	s.model("tiny", "tiny/", "")
	s.prefetch("first", "tiny", "")
	s.prefetch("second", "tiny", `, nodes: {selector: {matchLabels: {kubernetes.io/hostname: node1}}}`)
	s.awaitCondition(new(v1alpha1.Prefetch), "first", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	if _, err := s.Kubectl(t.Context(), "delete", "prefetch", "first", "--wait"); err != nil {
		t.Fatal(err)
	}
	s.awaitCaches("node1 alone to be told to hold it", func(c *v1alpha1.CacheNode) bool {
		told := slices.ContainsFunc(c.Spec.Models, func(m v1alpha1.WantedModel) bool { return m.Namespace == s.Name && m.Name == "tiny" })
		return told == (c.Name == "node1")
	})
	s.awaitHolders("tiny", s.Cluster.Nodes()...) // its bytes stay until their room is needed
}

// holders are the nodes that have a model, or a part of it.
func (s scene) holders(model string) []string {
	s.t.Helper()
	var caches v1alpha1.CacheNodeList
	if err := s.Hoist.List(s.t.Context(), &caches); err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for i := range caches.Items {
		if slices.ContainsFunc(caches.Items[i].Status.Models, func(m v1alpha1.HeldModel) bool { return m.Namespace == s.Name && m.Name == model }) {
			names = append(names, caches.Items[i].Name)
		}
	}
	return names
}
