// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest_test

import (
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
)

func TestMemSource_KeepsTheContract(t *testing.T) {
	t.Parallel()
	cachetest.Source(t, func(*testing.T) cachetest.SourceFixture {
		src := cachetest.NewSource(nil)
		return cachetest.SourceFixture{
			Source: src, Base: "s3://" + cachetest.Bucket + "/", Put: src.Put, Remove: src.Remove,
			Misbehave: func(key string, n int64, stall bool) {
				if stall {
					src.Inject(key, 100, cachetest.Stall(n))
				} else {
					src.Inject(key, 100, cachetest.Cut(n))
				}
			},
		}
	})
}

func TestMemStore_KeepsTheContract(t *testing.T) {
	t.Parallel()
	cachetest.Store(t, func(*testing.T) cachenode.Store { return cachetest.NewStore(256 << 20) })
}

func TestMemPeers_KeepTheContract(t *testing.T) {
	t.Parallel()
	cachetest.Peers(t, func(*testing.T) cachetest.PeersFixture {
		peers := cachetest.NewPeers()
		return cachetest.PeersFixture{Peers: peers, Put: peers.Put}
	})
}
