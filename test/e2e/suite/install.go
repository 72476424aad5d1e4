// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/hoist-dev/hoist/deploy/render"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
)

// System is the namespace that Install installs Hoist in.
const System = render.Namespace

// Install installs the chart with the images of the checkout, as a user does with helm template | kubectl apply, and returns when
// every agent and a controller are Ready. Each of set is a value of the chart, as helm's --set takes it.
func Install(ctx context.Context, c *harness.Cluster, set ...string) error {
	group, loading := errgroup.WithContext(ctx)
	for _, image := range []string{"hoist-agent", "hoist-controller"} {
		group.Go(func() error { return c.LoadImage(loading, image) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	manifests, err := Render(ctx, set...)
	if err != nil {
		return err
	}
	if err := c.Apply(ctx, manifests); err != nil {
		return err
	}
	for _, workload := range []string{"daemonset/hoist-agent", "deployment/hoist-controller"} {
		if _, err := c.Kubectl(ctx, "rollout", "status", workload, "--namespace="+System, "--timeout=60s"); err != nil {
			return err
		}
	}
	return nil
}

// WithHoist has Main install Hoist, with these values of the chart.
func WithHoist(set ...string) func(context.Context, *harness.Cluster) error {
	return func(ctx context.Context, c *harness.Cluster) error { return Install(ctx, c, set...) }
}

// Render renders the chart with the images of the checkout.
func Render(ctx context.Context, set ...string) (string, error) {
	root, err := toolchain.Root()
	if err != nil {
		return "", err
	}
	var images []string
	for _, image := range []string{"agent", "controller"} {
		images = append(images, image+".image.repository=hoist.dev/hoist-"+image, image+".image.tag=dev")
	}
	return render.Chart(ctx, root, slices.Concat(images, set)...)
}
