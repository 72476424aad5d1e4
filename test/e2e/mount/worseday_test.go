// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// The agent is killed in the middle of NodePublishVolume. The pod gets its model from the next one, which goes on where the first was.
func TestAgent_IsKilledWhileAPodWaits(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 64 << 20, Shard: 16 << 20, Seed: 50})
	s.Delay(time.Second)
	s.model("tiny", "tiny/", "")
	s.pod("reader", "tiny", "node2")
	s.Await("bytes to be on their way", func(context.Context) (bool, error) { return s.Gets() > 1, nil })
	agent := s.agent("node2")
	if err := s.Cluster.KillContainer(t.Context(), "node2", agent.Status.ContainerStatuses[0].ContainerID); err != nil {
		t.Fatal(err)
	}
	s.Delay(0)
	s.compare(s.AwaitReady("reader", 1)[0], files)
	s.Await("one lease", func(ctx context.Context) (bool, error) { return s.mounts(ctx, "node2", "tiny", 1) })
}

// Many pods of one node want one model at once: it is downloaded once.
func TestPods_ShareOneDownload(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 32 << 20, Shard: 16 << 20, Seed: 51})
	s.Delay(200 * time.Millisecond)
	s.model("tiny", "tiny/", "")
	const pods = 8
	for i := range pods {
		s.pod("reader-"+strconv.Itoa(i), "tiny", "node1")
	}
	for i := range pods {
		s.AwaitReady("reader-"+strconv.Itoa(i), 1)
	}
	s.compare(s.AwaitReady("reader-0", 1)[0], files)
	var size int64
	for _, content := range files {
		size += int64(len(content))
	}
	if got := s.Bytes(); got >= 2*size { // a slow chunk may have been asked for twice
		t.Errorf("%d pods took %d bytes from the origin, of a model of %d", pods, got, size)
	}
	s.Await("a lease for each pod", func(ctx context.Context) (bool, error) { return s.mounts(ctx, "node1", "tiny", pods) })
}

// The agents are rolled, as an upgrade does it: each ends when it is told to, and readers do not notice.
func TestAgent_IsUpgradedWhileReadersRead(t *testing.T) { //nolint:paralleltest // rolls the agents of all others
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 16 << 20, Shard: 8 << 20, Seed: 52})
	s.model("tiny", "tiny/", "")
	s.pod("reader", "tiny", "node1")
	reader := s.AwaitReady("reader", 1)[0]
	stop := s.readInALoop(reader, files)
	begun := time.Now()
	old := s.agent("node1")
	if _, err := s.Kubectl(t.Context(), "delete", "pod", old.Name, "--namespace="+suite.System, "--wait"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 25*time.Second {
		t.Errorf("the agent took %v to end", took)
	}
	for _, args := range [][]string{{"restart"}, {"status", "--timeout=60s"}} {
		if _, err := s.Kubectl(t.Context(), append([]string{"rollout", args[0], "daemonset/hoist-agent", "--namespace=" + suite.System}, args[1:]...)...); err != nil {
			t.Fatal(err)
		}
	}
	s.Await("the new agent to know of the mount", func(ctx context.Context) (bool, error) { return s.mounts(ctx, "node1", "tiny", 1) })
	if reads := stop(); reads == 0 {
		t.Error("nothing was read")
	}
	s.pod("next", "tiny", "node1")
	s.compare(s.AwaitReady("next", 1)[0], files)
}

// readInALoop reads all files of a pod until it is stopped, which says how often it did; any failure is one of the test.
func (s scene) readInALoop(pod corev1.Pod, files map[string][]byte) (stop func() int) {
	done, ended, reads := make(chan struct{}), make(chan struct{}), 0
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
				s.compare(pod, files)
				reads++
			}
		}
	}()
	return func() int { close(done); <-ended; return reads }
}

// The API server is gone. What is mounted is read, a download that runs goes on, and all is told when the server is back.
func TestAPIServer_IsGoneWhileADownloadRuns(t *testing.T) { //nolint:paralleltest // takes the API server from all others
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 16 << 20, Shard: 8 << 20, Seed: 53})
	s.PutModel(t, "next/", synth.Options{Size: 64 << 20, Shard: 16 << 20, Seed: 54})
	s.model("tiny", "tiny/", "")
	s.pod("reader", "tiny", "node1")
	reader := s.AwaitReady("reader", 1)[0]
	agent := s.agent("node1")
	s.model("next", "next/", "")
	s.awaitCondition(new(v1alpha1.Model), "next", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
	s.Down(true)
	before := s.Bytes()
	s.prefetch("everywhere", "next", "")
	s.awaitCondition(new(v1alpha1.Prefetch), "everywhere", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.FetchingReason)
	if err := s.Cluster.StopAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Down(false)
	s.Await("both nodes to download it", func(context.Context) (bool, error) {
		s.compare(reader, files) //nolint:contextcheck // the scene has the test's
		return s.Bytes() >= before+2*64<<20, nil
	})
	if err := s.Cluster.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.awaitCondition(new(v1alpha1.Prefetch), "everywhere", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	s.compare(reader, files)
	if now := s.agent("node1"); now.UID != agent.UID || now.Status.ContainerStatuses[0].RestartCount != agent.Status.ContainerStatuses[0].RestartCount {
		t.Errorf("the agent did not survive: %+v", now.Status.ContainerStatuses)
	}
}

// The disk of a node turns read-only, as a failing one does. The CacheNode says so, what is mounted is read, and the node's models are
// there again when the disk is.
func TestDisk_TurnsReadOnly(t *testing.T) { //nolint:paralleltest // takes a node from all others
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 16 << 20, Shard: 8 << 20, Seed: 55})
	s.PutModel(t, "next/", synth.Options{Size: 16 << 20, Shard: 8 << 20, Seed: 56})
	s.model("tiny", "tiny/", "")
	s.pod("reader", "tiny", "node2")
	reader := s.AwaitReady("reader", 1)[0]
	s.remount("node2", "ro")
	s.model("next", "next/", "")
	s.prefetch("everywhere", "next", "")
	s.Await("the node to say that its disk fails", func(ctx context.Context) (bool, error) {
		var c v1alpha1.CacheNode
		if err := s.Hoist.Get(ctx, client.ObjectKey{Name: "node2"}, &c); err != nil {
			return false, err
		}
		for _, m := range c.Status.Models {
			if m.Namespace == s.Name && m.Phase == v1alpha1.FailedPhase && strings.Contains(m.Message, "read-only") {
				return true, nil
			}
		}
		return false, fmt.Errorf("it is %+v", c.Status)
	})
	s.compare(reader, files)
	s.remount("node2", "rw")
	s.awaitCondition(new(v1alpha1.Prefetch), "everywhere", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
}

// remount changes how the disk of a node's cache is mounted, for all that see it.
func (s scene) remount(node, how string) {
	s.t.Helper()
	n, err := s.Cluster.Node(node)
	if err != nil {
		s.t.Fatal(err)
	}
	target := fmt.Sprintf("--target=%d", n.Machine.ID.PID)
	out, err := exec.CommandContext(s.t.Context(), "nsenter", target, "--mount", "mount", "-o", "remount,"+how, "/var/lib/hoist").CombinedOutput()
	if err != nil {
		s.t.Fatalf("remount,%s: %v: %s", how, err, bytes.TrimSpace(out))
	}
}
