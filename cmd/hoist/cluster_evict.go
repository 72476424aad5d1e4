// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func newEvictCopies(dial dialer) *cobra.Command {
	a := access{dial: dial}
	cmd := &cobra.Command{
		Use:   "evict MODEL",
		Short: "Remove the copies of a model of the cluster that nobody wants",
		Long: `Remove the copies of a Model from the nodes of its cluster, and say which go. Those that a Prefetch wants, or that a pod has mounted,
stay. It sets the annotation ` + v1alpha1.EvictBeforeAnnotation + ` of the Model to now.

  hoist evict llama3-8b`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			return evictCopies(cmd, c, plan.Key{Namespace: c.namespace, Name: args[0]})
		},
	}
	a.addFlags(cmd)
	a.addNamespace(cmd)
	return cmd
}

func evictCopies(cmd *cobra.Command, c cluster, key plan.Key) error {
	ctx := cmd.Context()
	model, err := needModel(ctx, c, key)
	if err != nil {
		return err
	}
	var caches v1alpha1.CacheNodeList
	if err := c.List(ctx, &caches); err != nil {
		return explain("list CacheNodes", err)
	}
	var prefetches v1alpha1.PrefetchList
	if err := c.List(ctx, &prefetches, client.InNamespace(key.Namespace)); err != nil {
		return explain("list Prefetches", err)
	}
	after := model.DeepCopy()
	if after.Annotations == nil {
		after.Annotations = map[string]string{}
	}
	after.Annotations[v1alpha1.EvictBeforeAnnotation] = time.Now().UTC().Format(time.RFC3339Nano)
	if err := c.Patch(ctx, after, client.MergeFrom(model)); err != nil {
		return explain("annotate Model "+key.String(), err)
	}
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "copies of Model %s:\n", key); err != nil {
		return err
	}
	return view.Evict(key, caches.Items, prefetches.Items).Write(cmd.OutOrStdout())
}
