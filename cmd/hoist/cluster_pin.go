// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

const pinPrefix = "pin-"

func newPinCopies(dial dialer) *cobra.Command {
	a := access{dial: dial}
	cmd := &cobra.Command{
		Use:   "pin MODEL",
		Short: "Keep a model of the cluster on the nodes that have it",
		Long: `Keep a Model on every node that has it, now or later: its copies are not taken to make room. It writes the Prefetch pin-MODEL,
which follows the Model to its next revision.

  hoist pin llama3-8b
  hoist unpin llama3-8b     let copies go again when their room is needed`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			key := plan.Key{Namespace: c.namespace, Name: args[0]}
			if _, err := needModel(cmd.Context(), c, key); err != nil {
				return err
			}
			p := newPrefetch(pinPrefix, key.Name)
			p.Namespace = key.Namespace
			p.Spec.Nodes.Selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: v1alpha1.ModelLabel(key.Namespace, key.Name), Operator: metav1.LabelSelectorOpExists}}}
			if err := apply(cmd.Context(), c, p); err != nil {
				return err
			}
			return sayWhere(cmd, c, p)
		},
	}
	a.addFlags(cmd)
	a.addNamespace(cmd)
	return cmd
}

func newUnpinCopies(dial dialer) *cobra.Command {
	a := access{dial: dial}
	cmd := &cobra.Command{
		Use:   "unpin MODEL",
		Short: "Let copies of a model of the cluster go when their room is needed",
		Long:  "Let copies of a Model go when their room is needed. It deletes the Prefetch pin-MODEL; what other Prefetches want stays.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			p := newPrefetch(pinPrefix, args[0])
			p.Namespace = c.namespace
			return deletePrefetch(cmd, c, p)
		},
	}
	a.addFlags(cmd)
	a.addNamespace(cmd)
	return cmd
}
