// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command hoist puts model weights on a disk, whole, verified and fast.
//
// It is the downloader that works anywhere (hoist get), the node cache without
// Kubernetes (hoist serve) and the tool to look into either.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // images hold no zones
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
