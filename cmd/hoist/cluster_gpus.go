// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func newGPUs(dial dialer) *cobra.Command {
	a := access{dial: dial}
	cmd := &cobra.Command{
		Use:   "gpus",
		Short: "Show the cluster's GPUs, which pods hold their memory, and how many more replicas fit",
		Long: `Show the GPUs of a cluster as their drivers tell: memory, what is used and free, and the pods with a model that hold it. Below, for
each Deployment and StatefulSet with a model, how many more of its replicas fit now, and what stops the next one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			var caches v1alpha1.CacheNodeList
			if err := c.List(cmd.Context(), &caches); err != nil {
				return explain("list CacheNodes", err)
			}
			if err := writeGPUs(cmd, view.GPUs(caches.Items)); err != nil {
				return err
			}
			room, err := replicas(cmd.Context(), c)
			if err != nil || len(room) == 0 {
				return err
			}
			if _, err := fmt.Fprintln(cmd.OutOrStdout()); err != nil {
				return err
			}
			return view.Room(room).Write(cmd.OutOrStdout())
		},
	}
	a.addFlags(cmd)
	return cmd
}

func writeGPUs(cmd *cobra.Command, table view.Table) error {
	if len(table.Rows) == 0 {
		_, err := fmt.Fprintln(cmd.ErrOrStderr(), "no node tells of a GPU")
		return err
	}
	return table.Write(cmd.OutOrStdout())
}
