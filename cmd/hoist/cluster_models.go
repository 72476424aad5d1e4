// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func newModels(dial dialer) *cobra.Command {
	a, out := access{dial: dial}, format{allowed: []string{"wide", "json", "yaml"}}
	cmd := &cobra.Command{
		Use:   "models",
		Short: "Show the cluster's models, and what is wrong with them",
		Long: `Show the Models of a cluster: whether they can be mounted, how many nodes have a copy, and what is wrong.

  hoist models                 of the context's namespace
  hoist models -A -o wide      of all namespaces, with revisions and when the source was looked at`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			var models v1alpha1.ModelList
			if err := c.List(cmd.Context(), &models, client.InNamespace(a.scope(c))); err != nil {
				return explain("list Models", err)
			}
			if out.machine() {
				return writeList(cmd.OutOrStdout(), &out, "Model", models.Items)
			}
			if len(models.Items) == 0 {
				_, err = fmt.Fprintf(cmd.ErrOrStderr(), "there are no Models %s\n", a.where(c))
				return err
			}
			return view.Models(models.Items, a.show(out.wide())).Write(cmd.OutOrStdout())
		},
	}
	a.addFlags(cmd)
	a.addNamespaces(cmd)
	cmd.Flags().VarP(&out, "output", "o", "wide, json or yaml; a table if not given")
	return cmd
}

// where is the scope in words.
func (a *access) where(c cluster) string {
	if a.all {
		return "in this cluster"
	}
	return "in namespace " + c.namespace
}
