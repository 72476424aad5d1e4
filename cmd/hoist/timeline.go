// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/prefetch/view"
)

func newTimeline(dial dialer) *cobra.Command {
	a := access{dial: dial}
	cmd := &cobra.Command{
		Use:   "timeline POD",
		Short: "Draw the cold start of a pod of the cluster",
		Long: `Draw the cold start of a pod as a waterfall: a line for each phase from wanted to Ready, and what was said of the pod meanwhile.

  hoist timeline web-0 -n team-a`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			s, err := readScene(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), view.Timeline(s))
			return err
		},
	}
	a.addFlags(cmd)
	a.addNamespace(cmd)
	return cmd
}
