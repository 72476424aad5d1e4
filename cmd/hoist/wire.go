// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// newScheduler is the node's range scheduler.
func newScheduler(c agent.FetchConfig, observer fetch.Observer, log *slog.Logger) (*fetch.Scheduler, error) {
	return fetch.New(fetch.Config{Buffers: int64(c.Buffers), MaxConnections: c.MaxConnections, Bandwidth: int64(c.Bandwidth),
		Peers: cachenode.NoPeers{}, Observer: observer, Logger: log})
}
