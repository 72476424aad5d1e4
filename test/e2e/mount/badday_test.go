// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// S3 is gone. What the node has is mounted as before.
func TestOrigin_IsGoneAndSealedModelsKeepMounting(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 8 << 20, Shard: 8 << 20, Seed: 5})
	s.model("tiny", "tiny/", "")
	s.prefetch("everywhere", "tiny", "")
	s.awaitCondition(new(v1alpha1.Prefetch), "everywhere", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	s.Down(true)
	s.pod("reader", "tiny", "node1")
	s.compare(s.AwaitReady("reader", 1)[0], files)
}

// The agent is killed while a pod reads. The pod notices nothing; the agent comes back, still knows of the mount, and takes it away
// when the pod goes.
func TestAgent_IsKilledAndReadersKeepReading(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 16 << 20, Shard: 8 << 20, Seed: 6})
	s.model("tiny", "tiny/", "")
	s.pod("reader", "tiny", "node2")
	pod := s.AwaitReady("reader", 1)[0]
	agent := s.agent("node2")
	if err := s.Cluster.KillContainer(t.Context(), "node2", agent.Status.ContainerStatuses[0].ContainerID); err != nil {
		t.Fatal(err)
	}
	reads := 0
	s.Await("another agent", func(context.Context) (bool, error) {
		s.compare(pod, files) //nolint:contextcheck // the scene has the test's
		reads++
		now := s.agent("node2") //nolint:contextcheck // the scene has the test's
		return now.Status.ContainerStatuses[0].RestartCount > agent.Status.ContainerStatuses[0].RestartCount && suite.PodReady(&now), nil
	})
	s.compare(pod, files)
	t.Logf("%d reads of %d files while the agent was away", reads, len(files))

	s.Await("the new agent to know of the mount", func(ctx context.Context) (bool, error) { return s.mounts(ctx, "node2", "tiny", 1) })
	if _, err := s.Kubectl(t.Context(), "delete", "pod", "reader", "--wait"); err != nil {
		t.Fatal(err)
	}
	s.Await("the mount to be gone", func(ctx context.Context) (bool, error) { return s.mounts(ctx, "node2", "tiny", 0) })
}

// agent is the agent's pod on a node.
func (s scene) agent(node string) corev1.Pod {
	s.t.Helper()
	pods, err := s.Client.CoreV1().Pods(suite.System).List(s.t.Context(), metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/component=agent", FieldSelector: "spec.nodeName=" + node})
	if err != nil || len(pods.Items) != 1 || len(pods.Items[0].Status.ContainerStatuses) != 1 {
		s.t.Fatalf("%d agents on %s, %v", len(pods.Items), node, err)
	}
	return pods.Items[0]
}

// mounts reports whether a node says that so many pods have the model mounted.
func (s scene) mounts(ctx context.Context, node, model string, want int32) (bool, error) {
	var cache v1alpha1.CacheNode
	if err := s.Hoist.Get(ctx, client.ObjectKey{Name: node}, &cache); err != nil {
		return false, err
	}
	for _, m := range cache.Status.Models {
		if m.Namespace == s.Name && m.Name == model && m.Mounts == want {
			return true, nil
		}
	}
	return false, fmt.Errorf("%s says %+v", node, cache.Status.Models)
}

// A Secret is missing. The Model says which, and heals when it is there.
func TestSecret_IsMissingUntilSomebodyMakesIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 1 << 20, Shard: 1 << 20, Seed: 7})
	keys, err := s.Client.CoreV1().Secrets(s.Name).Get(t.Context(), "keys", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Client.CoreV1().Secrets(s.Name).Delete(t.Context(), "keys", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.model("tiny", "tiny/", "")
	c := s.awaitCondition(new(v1alpha1.Model), "tiny", v1alpha1.ResolvedCondition, metav1.ConditionFalse, v1alpha1.SecretMissingReason)
	if !strings.Contains(c.Message, s.Name+"/keys") {
		t.Errorf("it says %q", c.Message)
	}
	keys.ObjectMeta = metav1.ObjectMeta{Name: "keys", Namespace: s.Name}
	if _, err := s.Client.CoreV1().Secrets(s.Name).Create(t.Context(), keys, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitCondition(new(v1alpha1.Model), "tiny", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
}

// A model is bigger than any node's cache. The Prefetch says so before the first byte is fetched.
func TestPrefetch_OfAModelThatIsTooBigFetchesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "big/", synth.Options{Size: budget + 32<<20, Shard: 64 << 20, Seed: 8})
	s.model("big", "big/", "")
	s.prefetch("everywhere", "big", "")
	c := s.awaitCondition(new(v1alpha1.Prefetch), "everywhere", v1alpha1.CapacityAvailableCondition, metav1.ConditionFalse, v1alpha1.TooBigReason)
	if !strings.Contains(c.Message, "node1") || !strings.Contains(c.Message, "lacks") {
		t.Errorf("it says %q", c.Message)
	}
	if gets := s.Gets(); gets != 0 {
		t.Errorf("%d requests for its bytes", gets)
	}
}

// The source changes. A Model that holds says so; one that follows brings the new revision to the nodes while pods keep the old.
func TestModel_SourceChanges(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	old := synth.Options{Size: 8 << 20, Shard: 2 << 20, Seed: 9}
	oldFiles := s.PutModel(t, "tiny/", old)
	s.model("holds", "tiny/", ", updates: {policy: Hold, interval: 30s}")
	s.model("follows", "tiny/", ", updates: {policy: Follow, interval: 30s}")
	s.prefetch("everywhere", "follows", "")
	s.awaitCondition(new(v1alpha1.Prefetch), "everywhere", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	s.pod("before", "follows", "node1")
	before := s.AwaitReady("before", 1)[0]
	var model v1alpha1.Model
	if err := s.Hoist.Get(t.Context(), client.ObjectKey{Namespace: s.Name, Name: "follows"}, &model); err != nil {
		t.Fatal(err)
	}
	pinned := model.Status.Revision

	changed := old
	changed.Revision = 1
	newFiles := s.PutModel(t, "tiny/", changed)
	s.awaitCondition(new(v1alpha1.Model), "holds", v1alpha1.SourceDriftedCondition, metav1.ConditionTrue, v1alpha1.DriftedReason)
	s.Await("the new revision to be pinned", func(ctx context.Context) (bool, error) {
		err := s.Hoist.Get(ctx, client.ObjectKeyFromObject(&model), &model)
		return model.Status.Revision != pinned, err
	})
	s.Await("every node to have it", func(ctx context.Context) (bool, error) {
		err := s.Hoist.Get(ctx, client.ObjectKeyFromObject(&model), &model)
		if err == nil && model.Status.Copies.Ready != 2 {
			err = fmt.Errorf("it is %+v", model.Status.Copies)
		}
		return err == nil, err
	})
	s.pod("after", "follows", "node1")
	s.compare(s.AwaitReady("after", 1)[0], newFiles)
	s.compare(before, oldFiles)
}

// A Model is deleted while a pod reads it. The pod keeps its bytes; a new one is told that there is no such Model.
func TestModel_IsDeletedWhileAPodReadsIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 4 << 20, Shard: 4 << 20, Seed: 10})
	s.model("tiny", "tiny/", "")
	s.pod("reader", "tiny", "node1")
	pod := s.AwaitReady("reader", 1)[0]
	if _, err := s.Kubectl(t.Context(), "delete", "model", "tiny", "--wait"); err != nil {
		t.Fatal(err)
	}
	s.pod("late", "tiny", "node1")
	s.awaitEvent("late", "there is no such Model")
	s.compare(pod, files)
	if code, _ := s.read(pod, "no-such-file"); code != http.StatusNotFound {
		t.Errorf("a file that is not there has status %d", code)
	}
}

// A node is taken out of the cluster in the middle of a copy, and comes back.
func TestNode_GoesInTheMiddleOfACopyAndReturns(t *testing.T) { //nolint:paralleltest // takes a node from all others
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 64 << 20, Shard: 16 << 20, Seed: 11})
	s.Delay(500 * time.Millisecond)
	s.model("tiny", "tiny/", "")
	s.prefetch("everywhere", "tiny", "")
	s.Await("bytes to be on their way", func(context.Context) (bool, error) { return s.Gets() > 2, nil })
	if err := s.Cluster.StopNode(t.Context(), "node2"); err != nil {
		t.Fatal(err)
	}
	s.Delay(0)
	s.Await("the node's copy not to count", func(ctx context.Context) (bool, error) {
		var p v1alpha1.Prefetch
		err := s.Hoist.Get(ctx, client.ObjectKey{Namespace: s.Name, Name: "everywhere"}, &p)
		if err == nil && p.Status.Copies.Ready != 1 {
			err = fmt.Errorf("it is %+v", p.Status)
		}
		return err == nil, err
	})
	if err := s.Cluster.StartNode(t.Context(), "node2"); err != nil {
		t.Fatal(err)
	}
	s.awaitCondition(new(v1alpha1.Prefetch), "everywhere", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	if p := new(v1alpha1.Prefetch); apierrors.IsNotFound(s.Hoist.Get(t.Context(), client.ObjectKey{Namespace: s.Name, Name: "everywhere"}, p)) || p.Status.Copies.Total != 2 {
		t.Errorf("in the end it has %+v", p.Status)
	}
}
