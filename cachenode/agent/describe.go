// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/disk"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

func fetchStatus(s *fetch.Scheduler) FetchStatus {
	stats := s.Stats()
	f := FetchStatus{BytesPerSecond: stats.BytesPerSecond, Connections: stats.Connections, Limit: stats.Limit, Queued: map[string]int{}}
	for p, n := range stats.Queued {
		f.Queued[cachenode.Priority(p).String()] = n
	}
	return f
}

func cacheStatus(s *disk.Store) CacheStatus {
	usage := s.Usage()
	c := CacheStatus{Health: s.Health().String(), Used: usage.Used, Reserved: usage.Reserved, Budget: usage.Budget, FreeDisk: usage.Free, FreeFloor: usage.Floor, Evicted: usage.Evicted}
	for _, held := range s.List() {
		c.Copies++
		c.Leases += held.Leases
	}
	return c
}
