// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/bench/simserver/program"
)

func newBench(dial dialer) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure cold starts, and report them",
		Long: `Measure cold starts, and report them.

  hoist bench local -o report.html       on this machine, with a simulated inference server and no cluster
  hoist bench cluster --deployment team-a/llama    in your cluster, with your own server
  hoist bench report local.json          show what was measured again, as a page, as Markdown or as text`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBenchLocal(), newBenchCluster(dial), newBenchReport(), newBenchServer())
	return cmd
}

// newBenchServer is the inference server that bench local starts, as a process of its own.
func newBenchServer() *cobra.Command {
	return &cobra.Command{
		Use: "server", Hidden: true, DisableFlagParsing: true,
		Short: "Be a simulated inference server",
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := program.Execute(cmd.Context(), args, cmd.ErrOrStderr()); code != 0 {
				return errors.New("the simulated inference server has failed")
			}
			return nil
		},
	}
}
