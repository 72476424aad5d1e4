// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/test/cluster/harness"
)

func newNodeCommand(name *string) *cobra.Command {
	cmd := &cobra.Command{Use: "node", Short: "Do to a node what happens to nodes"}
	for _, action := range []struct {
		use, short string
		do         func(*harness.Cluster, context.Context, string) error
	}{
		{"stop", "Cut its power", (*harness.Cluster).StopNode},
		{"start", "Switch it on again", (*harness.Cluster).StartNode},
		{"cut", "Take it off the network", (*harness.Cluster).CutNode},
		{"heal", "Bring it back on the network", (*harness.Cluster).HealNode},
	} {
		cmd.AddCommand(&cobra.Command{
			Use:   action.use + " NODE",
			Short: action.short,
			Args:  cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, arguments []string) error {
				c, err := harness.Attach(cmd.Context(), *name)
				if err != nil {
					return err
				}
				return action.do(c, cmd.Context(), arguments[0])
			},
		})
	}
	return cmd
}

func newLogsCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "logs [MACHINE/SERVICE]",
		Short: "Print a log of what a cluster is made of, or list the logs there are",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			logs, err := harness.Logs(*name)
			if err != nil {
				return err
			}
			if len(arguments) == 0 {
				for _, log := range logs {
					fmt.Fprintln(cmd.OutOrStdout(), log.Name)
				}
				return nil
			}
			for _, log := range logs {
				if log.Name == arguments[0] {
					return copyFile(cmd.OutOrStdout(), log.Path)
				}
			}
			return fmt.Errorf("there is no log %q: run logs to see which there are", arguments[0])
		},
	}
}

func newKubectlCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl -- ARGUMENTS...",
		Short: "Run the cluster's own kubectl, for computers that have none",
		RunE: func(cmd *cobra.Command, arguments []string) error {
			c, err := harness.Attach(cmd.Context(), *name)
			if err != nil {
				return err
			}
			kubectl := c.KubectlCommand(cmd.Context(), arguments...)
			kubectl.Stdin, kubectl.Stdout, kubectl.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return kubectl.Run()
		},
	}
}

func copyFile(w io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}
