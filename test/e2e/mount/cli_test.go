// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
)

// answersWithin is how long one command may take.
const answersWithin = 60 * time.Second

// The command line, as a user has it: a model is warmed and waited for, shown, planned with, and a pod is asked what it waits for.
func TestCLI_WarmsShowsPlansAndSaysWhyAPodWaits(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 16 << 20, Shard: 8 << 20, Seed: 30})
	s.model("tiny", "tiny/", "")
	s.awaitCondition(new(v1alpha1.Model), "tiny", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
	hoist := s.cli("hoist")

	hoist(4, "there is no Model nothing", "warm", "nothing")
	hoist(0, "(needs it)", "warm", "tiny")
	hoist(0, "2/2 nodes have it", "warm", "tiny", "--wait")
	hoist(0, "2/2", "models")
	hoist(0, "node1", "nodes", "-o", "wide")
	hoist(0, "(has it)", "plan")
	hoist(0, "no downloads run", "top", "--once")

	file := filepath.Join(t.TempDir(), "prefetch.yaml")
	text := "apiVersion: hoist.dev/v1alpha1\nkind: Prefetch\nmetadata: {name: three}\nspec: {modelName: tiny, nodes: {count: 3}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	hoist(0, "/three (new) of tiny", "plan", "-f", file)
	hoist(0, "fits on 2 of the 3 nodes asked for: only 2 nodes match", "plan", "-f", file, "-o", "json")

	s.pod("reader", "tiny", "node1")
	s.AwaitReady("reader", 1)
	hoist(0, "/reader runs; model tiny mounted", "why", "reader")
	hoist(0, "Ready ", "timeline", "reader")
	hoist(0, "mounting, weights", "timeline", "reader")
	s.pod("waiter", "nobody-made-it", "node1")
	hoist(0, "there is no Model nobody-made-it in namespace "+s.Name, "why", "waiter")
	hoist(4, "not found", "why", "nobody")

	s.model("cold", "tiny/", ", files: {exclude: [config.json]}")
	s.awaitCondition(new(v1alpha1.Model), "cold", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
	s.Down(true)
	s.pod("patient", "cold", "node2")
	s.awaitEvent("patient", "Successfully assigned")
	hoist(0, "/patient waits for model cold on node node2", "why", "patient")
	hoist(0, "and goes on", "timeline", "patient")
	s.Down(false)
	s.AwaitReady("patient", 1)

	hoist(0, "deleted", "warm", "tiny", "--off")
	hoist(7, "fits on 2 of the 3 nodes", "warm", "tiny", "--nodes", "3", "--wait")
}

// kubectl hoist: copies are pinned where they are, and evicted from where nobody wants them.
func TestCLI_PinsAndEvicts(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 16 << 20, Shard: 8 << 20, Seed: 31})
	s.model("tiny", "tiny/", "")
	s.awaitCondition(new(v1alpha1.Model), "tiny", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
	plugin := s.cli("kubectl-hoist")

	plugin(0, "2/2 nodes have it", "warm", "tiny", "--wait")
	plugin(0, "fits on the 2 nodes", "pin", "tiny")
	plugin(0, "deleted", "warm", "tiny", "--off")
	plugin(0, "stays: wanted by Prefetch pin-tiny", "evict", "tiny")
	s.pod("reader", "tiny", "node1")
	s.AwaitReady("reader", 1)
	plugin(0, "deleted", "unpin", "tiny")
	s.awaitUnwanted("tiny")
	s.Await("the mount to be reported", func(ctx context.Context) (bool, error) { return s.mounts(ctx, "node1", "tiny", 1) })
	plugin(0, "stays: 1 pod has it mounted", "evict", "tiny")
	s.awaitHolders("tiny", "node1")
	if _, err := s.Kubectl(t.Context(), "delete", "pod", "reader", "--wait"); err != nil {
		t.Fatal(err)
	}
	s.Await("the mount to be gone", func(ctx context.Context) (bool, error) { return s.mounts(ctx, "node1", "tiny", 0) })
	plugin(0, "goes", "evict", "tiny")
	s.awaitHolders("tiny")
}

// awaitUnwanted waits until no CacheNode shall hold a model.
func (s scene) awaitUnwanted(model string) {
	s.t.Helper()
	s.awaitCaches("nobody wants "+model, func(c *v1alpha1.CacheNode) bool {
		return !slices.ContainsFunc(c.Spec.Models, func(m v1alpha1.WantedModel) bool { return m.Namespace == s.Name && m.Name == model })
	})
}

// awaitHolders waits until the named nodes have a model, and no others.
func (s scene) awaitHolders(model string, nodes ...string) {
	s.t.Helper()
	s.awaitCaches(fmt.Sprintf("%v hold %s", nodes, model), func(c *v1alpha1.CacheNode) bool {
		return slices.Contains(nodes, c.Name) == slices.ContainsFunc(c.Status.Models, func(m v1alpha1.HeldModel) bool { return m.Namespace == s.Name && m.Name == model })
	})
}

func (s scene) awaitCaches(what string, is func(*v1alpha1.CacheNode) bool) {
	s.t.Helper()
	s.Await(what, func(ctx context.Context) (bool, error) {
		var caches v1alpha1.CacheNodeList
		err := s.Hoist.List(ctx, &caches)
		return len(caches.Items) > 0 && !slices.ContainsFunc(caches.Items, func(c v1alpha1.CacheNode) bool { return !is(&c) }), err
	})
}

// cli builds the command line, and gives a function that runs it in the namespace: it must end with a code and say a text.
func (s scene) cli(name string) func(code int, says string, args ...string) {
	s.t.Helper()
	root, err := toolchain.Root()
	if err != nil {
		s.t.Fatal(err)
	}
	binary := filepath.Join(s.t.TempDir(), name)
	build := exec.CommandContext(s.t.Context(), "go", "build", "-o", binary, "./cmd/hoist")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	return func(code int, says string, args ...string) {
		s.t.Helper()
		ctx, cancel := context.WithTimeout(s.t.Context(), answersWithin)
		defer cancel()
		if args[0] != "nodes" {
			args = append(args, "-n", s.Name)
		}
		cmd := exec.CommandContext(ctx, binary, args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+s.Cluster.Kubeconfig())
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			s.t.Fatal(err)
		}
		s.t.Logf("%s %s\n%s", name, strings.Join(args, " "), out.String())
		if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(out.String(), says) {
			s.t.Errorf("%s %s: exit code %d, want %d and %q", name, fmt.Sprint(args), got, code, says)
		}
	}
}
