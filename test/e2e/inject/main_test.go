// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package inject_test

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

// vram of each simulated GPU, in bytes. The models of these tests are small, and so are the GPUs.
const vram = 4 << 30

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // of the client for our kinds
	options := harness.Options{Nodes: 2, DiskBytes: 2 << 30, S3: true, GPU: harness.GPU{Count: 2, Name: "Simulated GPU", MemoryBytes: vram}}
	server := func(ctx context.Context, c *harness.Cluster) error { return c.LoadImage(ctx, "simserver") }
	os.Exit(suite.Main(m, "inject", options, server, suite.WithHoist("agent.cache.maxBytes=512Mi",
		"agent.gpu.libraryPath="+harness.NodeGPULibrary+"/libnvidia-ml.so.1",
		"agent.env[0].name="+fakegpu.StateVariable, "agent.env[0].value=/proc/1/root"+fakegpu.DefaultState, "controller.replicas=1")))
}
