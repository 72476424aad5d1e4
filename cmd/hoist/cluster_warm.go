// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/prefetch/plan"
	"github.com/hoist-dev/hoist/prefetch/view"
)

// warmOptions are the flags of hoist warm.
type warmOptions struct {
	access
	nodes    int32
	percent  int32
	selector string
	ttl      time.Duration
	tier     string
	wait     bool
	off      bool
}

func newWarm(dial dialer) *cobra.Command {
	o := warmOptions{access: access{dial: dial}}
	cmd := &cobra.Command{
		Use:   "warm MODEL",
		Short: "Bring a model of the cluster to nodes, before pods ask for it",
		Long: `Bring a Model to nodes of its cluster, before pods ask for it, and say where it goes. It writes the Prefetch warm-MODEL; run
again it changes that one.

  hoist warm llama3-8b                                     to every node with an agent
  hoist warm llama3-8b --nodes 3 --selector pool=gpu       to three of the nodes with a label
  hoist warm llama3-8b --for 8h                            until no pod has used it for 8 hours
  hoist warm llama3-8b --wait                              show how far it is; exit code 0 when it is there
  hoist warm llama3-8b --off                               take the Prefetch away: copies stay until their room is needed`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.addFlags(cmd)
	o.addNamespace(cmd)
	f := cmd.Flags()
	f.Int32Var(&o.nodes, "nodes", 0, "how many nodes; all that match if not given")
	f.Int32Var(&o.percent, "percent", 0, "how many of the nodes that match, in percent")
	f.StringVarP(&o.selector, "selector", "l", "", "labels of the nodes, such as pool=gpu,zone!=b")
	f.DurationVar(&o.ttl, "for", 0, "let a copy go that no pod used for so long, such as 8h; 0 keeps it")
	f.StringVar(&o.tier, "tier", string(v1alpha1.DiskTier), "Disk, or Memory: the page cache, too")
	f.BoolVar(&o.wait, "wait", false, "wait until every chosen node has it, or it can't be")
	f.BoolVar(&o.off, "off", false, "delete the Prefetch")
	cmd.MarkFlagsMutuallyExclusive("nodes", "percent")
	for _, name := range []string{"nodes", "percent", "selector", "for", "tier", "wait"} {
		cmd.MarkFlagsMutuallyExclusive("off", name)
	}
	return cmd
}

func (o *warmOptions) run(cmd *cobra.Command, model string) error {
	p, err := o.prefetch(cmd, model)
	if err != nil {
		return err
	}
	c, err := o.dial(&o.access)
	if err != nil {
		return err
	}
	p.Namespace = c.namespace
	if o.off {
		return deletePrefetch(cmd, c, p)
	}
	if _, err := needModel(cmd.Context(), c, plan.Key{Namespace: p.Namespace, Name: model}); err != nil {
		return err
	}
	if err := o.renew(cmd.Context(), c, p); err != nil {
		return err
	}
	if err := apply(cmd.Context(), c, p); err != nil {
		return err
	}
	if err := sayWhere(cmd, c, p); err != nil || !o.wait {
		return err
	}
	return waitFor(cmd, c, p)
}

// renew has a time to live begin anew: a Prefetch remembers how long nobody used what it has let go, and a new one does not.
func (o *warmOptions) renew(ctx context.Context, c cluster, p *v1alpha1.Prefetch) error {
	var old v1alpha1.Prefetch
	err := c.Get(ctx, client.ObjectKeyFromObject(p), &old)
	if err == nil && o.ttl > 0 && old.Labels[managedBy] == fieldOwner {
		err = c.Delete(ctx, &old)
	}
	return explain("renew Prefetch "+p.Namespace+"/"+p.Name, client.IgnoreNotFound(err))
}

// sayWhere says where p goes, or that it can't be told with the rights at hand.
func sayWhere(cmd *cobra.Command, c cluster, p *v1alpha1.Prefetch) error {
	world, err := readPlanned(cmd.Context(), c)
	if err != nil {
		if errors.Is(err, cachenode.ErrDenied) {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Prefetch %s/%s written; you may not list what tells where it goes\n", p.Namespace, p.Name)
		}
		return err
	}
	in, made, refused := world.make(time.Now())
	key := keyOf(p)
	return view.DryRun(in, made, refused, nil, func(k plan.Key) bool { return k == key }).Write(cmd.OutOrStdout())
}
