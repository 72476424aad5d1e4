// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package harness_test proves the harness itself: what other suites take for granted is looked at here.
package harness_test

import (
	"os"
	"testing"

	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == upCommand {
		os.Exit(upAndWait(os.Args[2]))
	}
	os.Exit(suite.Main(m, "harness", harness.Options{
		Nodes: 2, DiskBytes: 1 << 30,
		GPU:  harness.GPU{Count: 2, Name: "NVIDIA H100 80GB HBM3", MemoryBytes: 80 << 30},
		KEDA: true, Prometheus: true, S3: true,
	}))
}
