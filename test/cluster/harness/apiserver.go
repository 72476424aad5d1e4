// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"syscall"
)

// StopAPIServer ends the API server at once. What runs on the nodes goes on without it.
func (c *Cluster) StopAPIServer(ctx context.Context) error {
	service := c.apiServer().Name
	if err := c.state.Hub.Signal(ctx, service, syscall.SIGKILL); err != nil {
		return fmt.Errorf("stop the API server: %w", err)
	}
	return Await(ctx, "the API server to end", func(ctx context.Context) (bool, error) {
		pid, err := c.state.Hub.PID(ctx, service)
		return pid == 0, err
	})
}

// StartAPIServer starts a stopped API server, and returns when it answers.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	return run(ctx, c.state.Hub, c.apiServer(), func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}
