// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func newNodes(dial dialer) *cobra.Command {
	a, out := access{dial: dial}, format{allowed: []string{"wide", "json"}}
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "Show the cluster's nodes that have an agent, and what is wrong with them",
		Long: `Show the nodes of a cluster that have a Hoist agent: the models on them, the room they have, and what is wrong.

  hoist nodes
  hoist nodes -o wide      with downloads, speed and mounts

READY is Unknown where the agent has not reported for a while: nothing is planned for such a node.`,
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
			if out.machine() {
				return writeList(cmd.OutOrStdout(), &out, "CacheNode", caches.Items)
			}
			if len(caches.Items) == 0 {
				_, err = fmt.Fprintln(cmd.ErrOrStderr(), "no node has an agent: does the DaemonSet hoist-agent have pods? kubectl get daemonsets -A")
				return err
			}
			return view.Nodes(caches.Items, a.show(out.wide())).Write(cmd.OutOrStdout())
		},
	}
	a.addFlags(cmd)
	cmd.Flags().VarP(&out, "output", "o", "wide or json; a table if not given")
	return cmd
}
