// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package bench_test

import (
	"context"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// measured says that this run is for the numbers in docs/benchmarks.md: with 8 GiB, on one node.
var measured = os.Getenv("HOIST_MEASURE") != ""

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // of the client for our kinds
	options := harness.Options{Nodes: 2, DiskBytes: 2 << 30, S3: true, GPU: harness.GPU{Count: 1, Name: "Simulated GPU", MemoryBytes: 16 << 30}}
	cache := "agent.cache.maxBytes=512Mi"
	if measured {
		options.Nodes, options.DiskBytes, cache = 1, 11<<30, "agent.cache.maxBytes=8500Mi"
	}
	server := func(ctx context.Context, c *harness.Cluster) error { return c.LoadImage(ctx, "simserver") }
	os.Exit(suite.Main(m, "bench", options, server, suite.WithHoist(cache,
		"agent.gpu.libraryPath="+harness.NodeGPULibrary+"/libnvidia-ml.so.1",
		"agent.env[0].name="+fakegpu.StateVariable, "agent.env[0].value=/proc/1/root"+fakegpu.DefaultState, "controller.replicas=1")))
}
