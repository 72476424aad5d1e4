// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package suite is what the end-to-end suites share: a cluster for each, started before its first test and removed after its last.
//
// A suite is a package below test/e2e with the build tag e2e, so that go test ./... starts no cluster. make e2e runs them.
package suite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"testing"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/cluster/preflight"
)

// KeepVariable names the environment variable that has a suite leave its cluster running when it is set: the next suite, or
// cluster down, removes it.
const KeepVariable = "HOIST_E2E_KEEP"

// Main is what a suite's TestMain exits with. It starts a cluster with options (their Name, Self, Owned and Progress are set
// here), runs the tests and removes the cluster. Where the computer can't run one, every test is skipped with the reason by
// Cluster.Get; with CI=true that fails.
//
// Each of prepare is called once the cluster is up.
func Main(m *testing.M, name string, options harness.Options, prepare ...func(context.Context, *harness.Cluster) error) (code int) {
	ctx := context.Background() //nolint:forbidigo // main in all but name
	ctrllog.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	harness.RunAsPartOfACluster(ctx, os.Args[1:])
	self, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	options.Name, options.Self, options.Owned, options.Progress = name+"-"+strconv.Itoa(os.Getpid()), self, true, os.Stderr
	needs := preflight.Needs{Nodes: options.Nodes > 0, GPU: options.GPU.Count > 0, Prometheus: options.Prometheus}
	if err := preflight.Check(needs); err != nil {
		if os.Getenv("CI") == "true" {
			return fail(err)
		}
		fmt.Fprintln(os.Stderr, "SKIP:", err)
		return 0
	}
	cluster, err := harness.Up(ctx, options)
	if err != nil {
		return fail(err)
	}
	current = cluster
	code = runTests(ctx, m, cluster, prepare)
	if os.Getenv(KeepVariable) != "" {
		fmt.Fprintf(os.Stderr, "kept: export KUBECONFIG=%s\n", cluster.Kubeconfig())
		return code
	}
	if code != 0 {
		keep(ctx, cluster, System+".log", "--namespace="+System, "logs", "--selector=app.kubernetes.io/name=hoist", "--all-containers", "--prefix", "--tail=-1")
		logs, err := cluster.KeepLogs()
		fmt.Fprintln(os.Stderr, "logs of the cluster:", logs, err)
	}
	if err := cluster.Down(ctx); err != nil {
		return fail(err)
	}
	return code
}

func runTests(ctx context.Context, m *testing.M, cluster *harness.Cluster, prepare []func(context.Context, *harness.Cluster) error) int {
	for _, do := range prepare {
		if err := do(ctx, cluster); err != nil {
			return fail(err)
		}
	}
	return m.Run()
}

// keep adds what kubectl says to the logs of the cluster.
func keep(ctx context.Context, cluster *harness.Cluster, name string, arguments ...string) {
	said, err := cluster.Kubectl(ctx, arguments...)
	if err := errors.Join(err, cluster.Keep(name, said)); err != nil {
		fmt.Fprintf(os.Stderr, "not in the logs of the cluster: %s: %v\n", name, err)
	}
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "FAIL:", err)
	return 1
}

// current is the suite's cluster, between TestMain and the tests.
var current *harness.Cluster

// Cluster is the suite's cluster.
func Cluster(tb testing.TB) *harness.Cluster {
	tb.Helper()
	if current == nil {
		tb.Fatal("no cluster: has TestMain called suite.Main?")
	}
	return current
}
