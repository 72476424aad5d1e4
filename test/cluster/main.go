// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command cluster starts a real Kubernetes on this machine, from programs built from Go modules: no docker, no registry.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hoist-dev/hoist/test/cluster/harness"
)

func main() {
	harness.RunAsPartOfACluster(context.Background(), os.Args[1:])
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return newCommand().ExecuteContext(ctx)
}
