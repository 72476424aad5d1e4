// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// Apply has the API server take these manifests, as kubectl apply --server-side does.
func (c *Cluster) Apply(ctx context.Context, manifests string) error {
	_, err := c.kubectl(ctx, strings.NewReader(manifests), "apply", "--server-side", "--filename=-")
	return err
}

// Kubectl runs kubectl with all rights, and gives what it prints.
func (c *Cluster) Kubectl(ctx context.Context, arguments ...string) (string, error) {
	return c.kubectl(ctx, nil, arguments...)
}

// KubectlCommand is kubectl with all rights, to be run.
func (c *Cluster) KubectlCommand(ctx context.Context, arguments ...string) *exec.Cmd {
	return exec.CommandContext(ctx, c.tools.Kube, append([]string{"kubectl", "--kubeconfig=" + c.Kubeconfig()}, arguments...)...)
}

func (c *Cluster) kubectl(ctx context.Context, stdin io.Reader, arguments ...string) (string, error) {
	cmd := c.KubectlCommand(ctx, arguments...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(arguments, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// ServeCapacityBuffers has the API server serve the autoscalers' CapacityBuffer API, without an autoscaler.
func (c *Cluster) ServeCapacityBuffers(ctx context.Context) error {
	return c.applyCRDs(ctx, c.tools.CapacityBufferCRD)
}

// applyCRDs returns when the API server has taken the names of what the file defines.
func (c *Cluster) applyCRDs(ctx context.Context, path string) error {
	if err := c.applyFile(ctx, path); err != nil {
		return err
	}
	_, err := c.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout="+startLimit.String(), "--filename="+path)
	return err
}

func (c *Cluster) applyFile(ctx context.Context, path string) error {
	_, err := c.Kubectl(ctx, "apply", "--server-side", "--filename="+path)
	return err
}

// applyTemplate fills in one of our own templates and applies it.
func (c *Cluster) applyTemplate(ctx context.Context, name string, values any) error {
	path := filepath.Join(c.dir, "hub", "config", name)
	if err := writeConfig(name, path, values); err != nil {
		return err
	}
	return c.applyFile(ctx, path)
}
