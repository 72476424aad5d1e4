// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import "context"

// StopAPIServer ends the API server at once. What runs on the nodes goes on without it.
func (c *Cluster) StopAPIServer(ctx context.Context) error {
	return c.kill(ctx, c.apiServer().Name)
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
