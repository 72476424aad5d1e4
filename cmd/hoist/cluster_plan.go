// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/prefetch/plan"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func newPlan(dial dialer) *cobra.Command {
	a, out := access{dial: dial}, format{allowed: []string{"json"}}
	var file string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Say what would go where in the cluster, what would be evicted, and whether it fits",
		Long: `Say what would go where in a cluster, what would be evicted, and whether it fits. Nothing is changed.

  hoist plan                         the Prefetches as they are
  hoist plan -f prefetch.yaml        with those of a file added or replaced; shows them, and those that fare differently for it
  hoist plan -f prefetch.yaml -o json | jq .bytesToDownload

The plan depends on all namespaces, and on all nodes: you need the right to list them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			dry, err := a.dryRun(cmd, c, file)
			if err != nil {
				return err
			}
			if out.machine() {
				return out.write(cmd.OutOrStdout(), dry)
			}
			return dry.Write(cmd.OutOrStdout())
		},
	}
	a.addFlags(cmd)
	a.addNamespaces(cmd)
	cmd.Flags().StringVarP(&file, "filename", "f", "", "a file with Prefetches to plan with; - is stdin")
	cmd.Flags().VarP(&out, "output", "o", "json; text if not given")
	return cmd
}

// dryRun plans with the Prefetches of a file, or as it is without one.
func (a *access) dryRun(cmd *cobra.Command, c cluster, file string) (view.Dry, error) {
	now := time.Now()
	if file == "" {
		world, err := readPlanned(cmd.Context(), c)
		if err != nil {
			return view.Dry{}, err
		}
		in, made, refused := world.make(now)
		scope := a.scope(c)
		return view.DryRun(in, made, refused, nil, func(k plan.Key) bool { return scope == "" || k.Namespace == scope }), nil
	}
	added, err := readPrefetches(file, c.namespace, cmd.InOrStdin())
	if err != nil {
		return view.Dry{}, err
	}
	world, err := readPlanned(cmd.Context(), c)
	if err != nil {
		return view.Dry{}, err
	}
	_, before, _ := world.make(now)
	fromFile := world.put(added)
	in, made, refused := world.make(now)
	changes := view.Changes(before, made, fromFile)
	return view.DryRun(in, made, refused, changes, func(k plan.Key) bool { return changes[k] != "" }), nil
}
