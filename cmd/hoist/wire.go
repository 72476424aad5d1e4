// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/fetch"
	"github.com/hoist-dev/hoist/cachenode/source/s3"
)

// newSource is the source for a URI scheme.
func newSource(ctx context.Context, scheme string, config s3.Config) (cachenode.Source, error) {
	if scheme != "s3" {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open", Subject: fmt.Sprintf("%q", scheme+"://"),
			Hint: "this version reads s3:// only; S3-compatible stores work with --endpoint"}
	}
	return s3.New(ctx, config)
}

// newScheduler is the node's range scheduler.
func newScheduler(c agent.FetchConfig, observer fetch.Observer, log *slog.Logger) (*fetch.Scheduler, error) {
	return fetch.New(fetch.Config{Buffers: int64(c.Buffers), MaxConnections: c.MaxConnections, Bandwidth: int64(c.Bandwidth),
		Peers: cachenode.NoPeers{}, Observer: observer, Logger: log})
}
