// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package mount_test proves the way of a model onto nodes and into pods: Model, Prefetch, CacheNode, the agent and its CSI driver, as
// the chart installs them.
package mount_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // of the client for our kinds
	os.Exit(suite.Main(m, "mount", harness.Options{Nodes: 2, DiskBytes: 2 << 30, S3: true}, suite.WithHoist(fmt.Sprintf("agent.cache.maxBytes=%d", budget), "agent.logLevel=debug", "controller.logLevel=debug")))
}

// budget is what each node's cache may take, in bytes: enough for the models of all tests but the one that is too big.
const budget = 512 << 20
