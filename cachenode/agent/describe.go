// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"time"

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

// describe fills in what m says about a fill that is running.
func describe(m *ModelStatus, p fetch.Snapshot, rate *fetch.Rate) {
	perSecond := rate.Look(time.Now(), p.Done)
	if p.Total == 0 {
		return // not resolved yet: what is held is all there is to say
	}
	m.Bytes, m.BytesDone = p.Total, p.Done
	m.BytesPerSecond, m.RemainingSeconds = -1, -1
	if perSecond >= 1 {
		m.BytesPerSecond = int64(perSecond)
		m.RemainingSeconds = int64(float64(p.Total-p.Done) / perSecond)
	}
}
