// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// Phase says where a model is on its way to the node.
type Phase string

// The phases, in the order in which a model goes through them.
const (
	Pending  Phase = "Pending"  // not looked at yet
	Fetching Phase = "Fetching" // resolving, or bytes are on their way
	Ready    Phase = "Ready"    // a whole, verified revision is present
	Failed   Phase = "Failed"   // the last attempt failed and no revision is present
)

// Status is what a node says about itself, at /status.
type Status struct {
	Version string        `json:"version"`
	Ready   bool          `json:"ready"`
	Reasons []string      `json:"reasons,omitempty"` // why it is not ready, a sentence each
	Models  []ModelStatus `json:"models"`
	Cache   CacheStatus   `json:"cache"`
	Fetch   FetchStatus   `json:"fetch"`
}

// ModelStatus is one model that the node keeps, or tries to.
type ModelStatus struct {
	Name             string             `json:"name"`
	Source           string             `json:"source"`
	Phase            Phase              `json:"phase"`
	Revision         cachenode.Revision `json:"revision,omitempty"` // the one that is present
	Path             string             `json:"path,omitempty"`     // where it is
	Bytes            int64              `json:"bytes"`              // of the revision being fetched, else of the present one
	BytesDone        int64              `json:"bytesDone"`
	BytesPerSecond   int64              `json:"bytesPerSecond"`   // -1 unknown
	RemainingSeconds int64              `json:"remainingSeconds"` // -1 unknown
	MemoryBytes      int64              `json:"memoryBytes"`      // of the present one in the page cache, if it is kept there
	Error            string             `json:"error,omitempty"`  // of the last attempt, if it failed
	Since            time.Time          `json:"since"`            // when the phase began
}

// CacheStatus is the disk.
type CacheStatus struct {
	Health    string `json:"health"` // Normal, Unstable or Down
	Copies    int    `json:"copies"`
	Leases    int    `json:"leases"`
	Used      int64  `json:"usedBytes"`
	Reserved  int64  `json:"reservedBytes"`
	Budget    int64  `json:"budgetBytes"` // what the cache may use in all
	FreeDisk  int64  `json:"freeDiskBytes"`
	FreeFloor int64  `json:"freeFloorBytes"`
	Evicted   int64  `json:"evictedCopies"` // to make room, since the start
}

// FetchStatus is the range scheduler.
type FetchStatus struct {
	BytesPerSecond int64          `json:"bytesPerSecond"`
	Connections    int            `json:"connections"`
	Limit          int            `json:"connectionLimit"`
	Queued         map[string]int `json:"queuedChunks"` // by priority
}

// reasons lists what keeps a node from being ready; none means it is.
func (s *Status) reasons(draining bool) []string {
	var why []string
	if draining {
		why = append(why, "the node is draining")
	}
	if s.Cache.Health == "Down" {
		why = append(why, "the disk is down")
	}
	for _, m := range s.Models {
		if m.Phase == Ready {
			continue
		}
		reason := fmt.Sprintf("model %s is %s", m.Name, m.Phase)
		if m.Error != "" {
			reason += ": " + m.Error
		}
		why = append(why, reason)
	}
	return why
}
