// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

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

// Apply has the API server take these manifests, as kubectl apply --server-side does.
func (c *Cluster) Apply(ctx context.Context, manifests []byte) error {
	cmd := c.kubectl(ctx, "apply", "--server-side", "--filename=-")
	cmd.Stdin = bytes.NewReader(manifests)
	return runKubectl(cmd)
}

func (c *Cluster) applyFile(ctx context.Context, path string) error {
	return runKubectl(c.kubectl(ctx, "apply", "--server-side", "--filename="+path))
}

// applyTemplate fills in one of our own templates and applies it.
func (c *Cluster) applyTemplate(ctx context.Context, name string, values any) error {
	path := filepath.Join(c.dir, "hub", "config", name)
	if err := writeConfig(name, path, values); err != nil {
		return err
	}
	return c.applyFile(ctx, path)
}

func (c *Cluster) kubectl(ctx context.Context, arguments ...string) *exec.Cmd {
	return exec.CommandContext(ctx, c.tools.Kube, append([]string{"kubectl", "--kubeconfig=" + c.Kubeconfig()}, arguments...)...)
}

func runKubectl(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", cmd.Args[3], err, out)
	}
	return nil
}

// addon is a service of the hub that is not a part of Kubernetes.
func addon(name, program string, env []string, arguments ...string) machine.Service {
	return machine.Service{Name: name, Argv: append([]string{program}, arguments...), Env: append(environment(), env...)}
}
