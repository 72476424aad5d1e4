// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
)

// The story: a Model is resolved, a Prefetch brings it to every node, and pods of a restricted namespace read every byte of it without
// hostPath, credentials or a download.
func TestModel_IsPrefetchedAndMounted(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 48 << 20, Shard: 16 << 20, Seed: 1})
	s.model("tiny", "tiny/", "")
	s.awaitCondition(new(v1alpha1.Model), "tiny", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.PinnedReason)
	s.prefetch("everywhere", "tiny", "")
	s.awaitCondition(new(v1alpha1.Prefetch), "everywhere", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)

	before := s.Bytes()
	for _, node := range s.Cluster.Nodes() {
		s.pod("reader-"+node, "tiny", node)
	}
	for _, node := range s.Cluster.Nodes() {
		s.compare(s.AwaitReady("reader-"+node, 1)[0], files)
	}
	if after := s.Bytes(); after != before {
		t.Errorf("mounting took %d bytes from the origin", after-before)
	}
}

// A pod whose model is nowhere yet waits for it, and gets it first.
func TestModel_ThatNoNodeHasIsFetchedForThePod(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 32 << 20, Shard: 16 << 20, Seed: 2})
	s.model("cold", "tiny/", "")
	s.pod("reader", "cold", "")
	s.compare(s.AwaitReady("reader", 1)[0], files)
}
