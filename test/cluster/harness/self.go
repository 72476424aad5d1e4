// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/hoist-dev/hoist/test/cluster/machine"
)

// What a cluster runs of our own, by the first argument. The rest are the role's.
const (
	discoverCommand = "machine-discover" // KUBECONFIG ADDRESS
	gpuCommand      = "machine-gpu"      // NODE COUNT BYTES NAME
)

// RunAsPartOfACluster is the first thing that a program calls which is Options.Self. Where a cluster has started it as one of its
// parts, it is that part and exits when it ends; else it returns at once.
func RunAsPartOfACluster(ctx context.Context, arguments []string) {
	if len(arguments) == 0 || !slices.Contains([]string{machine.InitCommand, discoverCommand, gpuCommand}, arguments[0]) {
		return
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	err := runPart(ctx, arguments)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", arguments[0], err)
		os.Exit(1) //nolint:revive // main in all but name
	}
	os.Exit(0) //nolint:revive // main in all but name
}

func runPart(ctx context.Context, arguments []string) error {
	switch {
	case arguments[0] == machine.InitCommand:
		return machine.Init()
	case arguments[0] == discoverCommand && len(arguments) == 3:
		return serveTargets(ctx, arguments[1], arguments[2])
	case arguments[0] == gpuCommand && len(arguments) == 5:
		return serveGPU(ctx, arguments[1:])
	}
	return fmt.Errorf("started with %q", arguments[1:])
}

func copyProgram(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
