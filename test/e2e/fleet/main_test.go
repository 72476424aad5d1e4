// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package fleet_test looks at the controller in front of a thousand nodes. The nodes are simulated; what their agents would report is
// written by the test.
package fleet_test

import (
	"os"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

const nodes = 1000

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // of the client for our kinds
	os.Exit(suite.Main(m, "fleet", harness.Options{KWOK: nodes}))
}
