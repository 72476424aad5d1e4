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
		Short: "Show the cluster's GPUs, and which pods hold their memory",
		Long:  "Show the GPUs of a cluster as their drivers tell: memory, what is used and free, and the pods with a model that hold it.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			var caches v1alpha1.CacheNodeList
			if err := c.List(cmd.Context(), &caches); err != nil {
				return explain("list CacheNodes", err)
			}
			table := view.GPUs(caches.Items)
			if len(table.Rows) == 0 {
				_, err = fmt.Fprintln(cmd.ErrOrStderr(), "no node tells of a GPU")
				return err
			}
			return table.Write(cmd.OutOrStdout())
		},
	}
	a.addFlags(cmd)
	return cmd
}
