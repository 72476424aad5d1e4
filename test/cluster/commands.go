// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
)

const defaultName = "dev"

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "cluster",
		Short: "A real Kubernetes on this computer, to develop and test on",
		Long: `A real Kubernetes on this computer, to develop and test on: etcd, API server, controller manager, scheduler,
kubelet, containerd and runc, built from Go modules. No docker, no registry.

  cluster up --nodes 2
  export KUBECONFIG=$(cluster kubeconfig)`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	var name string
	root.PersistentFlags().StringVar(&name, "name", defaultName, "name of the cluster")
	root.AddCommand(
		newUpCommand(&name),
		newDownCommand(&name),
		newListCommand(),
		newKubeconfigCommand(&name),
		newKubectlCommand(&name),
		newLoadImageCommand(&name),
		newLogsCommand(&name),
		newNodeCommand(&name),
		newS3Command(&name),
		newPutModelCommand(&name),
		newToolsCommand(),
	)
	return root
}

func newToolsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "tools",
		Short: "Build the programs that a cluster runs; once they are there, this does nothing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := toolchain.Root()
			if err != nil {
				return err
			}
			_, err = toolchain.Ensure(cmd.Context(), root, cmd.ErrOrStderr())
			return err
		},
	}
}

func newDownCommand(name *string) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Remove a cluster and all that it made",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names := []string{*name}
			if all {
				var err error
				if names, err = harness.List(); err != nil {
					return err
				}
			}
			for _, name := range names {
				if err := harness.Down(cmd.Context(), name); err != nil {
					return err
				}
			}
			return harness.DownAbandoned(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "remove every cluster")
	return cmd
}

func newListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the clusters",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := harness.List()
			for _, name := range names {
				fmt.Fprintln(cmd.OutOrStdout(), name)
			}
			return err
		},
	}
}

func newKubeconfigCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the path of the kubeconfig",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := harness.Attach(cmd.Context(), *name)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), c.Kubeconfig())
			return nil
		},
	}
}

func newLoadImageCommand(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "load-image IMAGE...",
		Short: "Build images of the project from the checkout and put them on every node",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, images []string) error {
			c, err := harness.Attach(cmd.Context(), *name)
			if err != nil {
				return err
			}
			for _, image := range images {
				if err := c.LoadImage(cmd.Context(), image); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), harness.Reference(image))
			}
			return nil
		},
	}
}

func newUpCommand(name *string) *cobra.Command {
	options := harness.Options{GPU: harness.GPU{Name: "NVIDIA H100 80GB HBM3"}}
	var disk, memory int64
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a cluster and wait until its nodes are Ready",
		Long: `Start a cluster and wait until its nodes are Ready.

With --nodes 0 there is only a control plane, on loopback, which needs no root.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			options.Name, options.Self, options.Progress = *name, self, cmd.ErrOrStderr()
			options.DiskBytes, options.GPU.MemoryBytes = disk<<30, memory<<30
			c, err := harness.Up(cmd.Context(), options)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "export KUBECONFIG=%s\n", c.Kubeconfig())
			return nil
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&options.Nodes, "nodes", 2, "number of nodes")
	flags.Int64Var(&disk, "disk", harness.DefaultDiskBytes>>30, "size of each node's disk for the cache, in GiB; takes only what is written to it")
	flags.IntVar(&options.GPU.Count, "gpus", 1, "number of simulated GPUs of each node")
	flags.Int64Var(&memory, "gpu-memory", 80, "memory of each simulated GPU, in GiB")
	flags.BoolVar(&options.KEDA, "keda", false, "run KEDA")
	flags.BoolVar(&options.Prometheus, "prometheus", false, "run Prometheus, which scrapes pods annotated prometheus.io/scrape")
	flags.IntVar(&options.KWOK, "kwok", 0, "number of simulated nodes")
	flags.BoolVar(&options.S3, "s3", false, "run an S3 server")
	return cmd
}
