// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command testpod is what the pods of the harness's own tests run: one static binary that can be whatever a test needs.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// roles are what it can be, by the first argument. The rest of the arguments are the role's.
var roles = map[string]func(ctx context.Context, arguments []string) error{
	"pause": pause, // hold the namespaces of a pod
	"serve": serve, // ADDRESS: files and commands over HTTP
	"probe": probe, // URL: succeed if it answers 200
	"cat":   cat,   // FILE
	"eat":   eat,   // MEBIBYTES: use that much memory, then wait
	"gpu":   gpu,   // SOCKET MEBIBYTES: take that much of each simulated GPU, then wait
	"fuse":  fuse,  // FOLDER ADDRESS: mount a file system there, and serve
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testpod:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) == 0 {
		return pause(ctx, nil)
	}
	role, found := roles[arguments[0]]
	if !found {
		return fmt.Errorf("no role is called %q; there are: %s", arguments[0], strings.Join(names(), ", "))
	}
	return role(ctx, arguments[1:])
}

func names() []string {
	var all []string
	for name := range roles {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func pause(ctx context.Context, _ []string) error {
	<-ctx.Done()
	return nil
}
