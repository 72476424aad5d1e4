// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = ""

// run is the program: it parses args, does what they say, prints one line about
// a failure to stderr, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot() //nolint:contextcheck // cobra hands ctx to the commands
	if filepath.Base(os.Args[0]) == pluginName {
		root = newPlugin(connect) //nolint:contextcheck // as above
	}
	return execute(ctx, root, args, stdout, stderr)
}

func execute(ctx context.Context, root *cobra.Command, args []string, stdout, stderr io.Writer) int {
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	begun := false
	observe(root.Commands(), func() { begun = true })
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !begun {
		err = &usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())} // what cobra refuses is a mistake on the command line
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "hoist: "+err.Error())
	}
	return exitCode(err)
}

// observe has commands, and those below them, say when they begin.
func observe(commands []*cobra.Command, begin func()) {
	for _, cmd := range commands {
		if do := cmd.RunE; do != nil {
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				begin()
				return do(cmd, args)
			}
		}
		observe(cmd.Commands(), begin)
	}
}

func newRoot() *cobra.Command { return newRootOn(connect) }

// newRootOn is the program with another way to a cluster.
func newRootOn(dial dialer) *cobra.Command {
	root := &cobra.Command{
		Use:   "hoist",
		Short: "Put model weights on a disk: whole, verified and fast",
		Long: `Hoist lifts model weights from object storage onto local SSD, before they are needed.

  hoist get s3://models/llama3-8b/ ./llama3-8b     download a model, or bring a copy up to date
  hoist serve --config hoist.yaml                  keep models present on a node
  hoist warm llama3-8b --wait                      bring a Model of a Kubernetes cluster to its nodes
  hoist why web-0                                  say what a pod waits for
  hoist timeline web-0                             draw what its cold start was made of
  hoist bench local -o report.html                 measure cold starts on this machine

models, nodes, gpus, top, plan, warm, why and timeline look at a cluster, through a kubeconfig as kubectl does; ls, verify, evict, pin and unpin at
one node's cache. Under the name kubectl-hoist in PATH this program is kubectl hoist, and its evict, pin and unpin are the cluster's.

Credentials come from where the AWS CLI takes them: environment, profiles, web identity (IRSA),
Pod Identity, instance metadata.

` + exitHelp,
		Version:       buildVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().String("log-level", "warn", "what to log to stderr: debug, info, warn, error")
	root.AddCommand(newGet(), newServe(), newLs(), newVerify(), newEvict(), newPin(), newUnpin(), newDemo(), newBench(dial),
		newModels(dial), newNodes(dial), newGPUs(dial), newTop(dial), newPlan(dial), newWarm(dial), newWhy(dial), newTimeline(dial), newDoctor(dial))
	return root
}

// logger writes to stderr what --log-level asks for.
func logger(cmd *cobra.Command) (*slog.Logger, error) {
	name, _ := cmd.Flags().GetString("log-level")
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return nil, &usageError{fmt.Errorf("--log-level %q: want debug, info, warn or error", name)}
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level})), nil
}

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
