// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Counts are the mounts of each model on the node. The zero value is ready.
type Counts struct {
	mu     sync.Mutex
	mounts map[types.NamespacedName]int32
}

func (c *Counts) add(model types.NamespacedName, n int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mounts == nil {
		c.mounts = map[types.NamespacedName]int32{}
	}
	if c.mounts[model] += n; c.mounts[model] <= 0 {
		delete(c.mounts, model)
	}
}

func (c *Counts) all() map[types.NamespacedName]int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.mounts)
}
