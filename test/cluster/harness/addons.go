// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/hoist-dev/hoist/test/cluster/machine"
)

// startAddons starts, beside the control plane, what was asked for, and returns when it answers.
func (c *Cluster) startAddons(ctx context.Context, options Options) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, addon := range []struct {
		wanted bool
		start  func(context.Context) error
	}{
		{options.S3, c.startS3},
		{options.Prometheus, c.startPrometheus},
		{options.KEDA, c.startKEDA},
		{options.KWOK > 0, func(ctx context.Context) error { return c.startKWOK(ctx, options.KWOK) }},
	} {
		if addon.wanted {
			group.Go(func() error { return addon.start(ctx) })
		}
	}
	return group.Wait()
}

// addon is a service of the hub that is not a part of Kubernetes.
func addon(name, program string, env []string, arguments ...string) machine.Service {
	return machine.Service{Name: name, Argv: append([]string{program}, arguments...), Env: append(environment(), env...)}
}
