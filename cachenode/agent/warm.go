// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hoist-dev/hoist/cachenode/warm"
)

// warmEvery is how often models that are kept in memory are looked at: the kernel drops pages as it needs them.
const warmEvery = time.Minute

// share of the memory that is available that a model may take.
const share = 0.8

// warmSoon has the models looked at now.
func (n *Node) warmSoon() {
	select {
	case n.cold <- struct{}{}:
	default: // it is about to happen
	}
}

// warm keeps in the page cache what is wanted there, one model after the other, by name, until the node ends.
func (n *Node) warm() {
	tick := time.NewTicker(warmEvery)
	defer tick.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-n.cold:
		case <-tick.C:
		}
		for _, k := range n.byName() {
			k.warm()
		}
	}
}

func (n *Node) byName() []*keeper {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.SortedFunc(maps.Values(n.keepers), func(a, b *keeper) int { return cmp.Compare(a.want.Name, b.want.Name) })
}

// warm reads the model into the page cache, unless memory is short: then what is there stays there, and is counted.
func (k *keeper) warm() {
	k.mu.Lock()
	held, bytes := k.held, k.bytes
	k.mu.Unlock()
	if !k.want.Memory || held == "" || k.ctx.Err() != nil {
		return
	}
	_, resident, err := k.node.intoMemory(k.ctx, k.node.Store.Path(held), bytes)
	if err != nil && k.ctx.Err() == nil {
		k.node.Log.Warn("model not kept in memory", "model", k.want.Name, "err", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == held {
		k.memory = resident
	}
}

// intoMemory reads a copy of so many bytes into the page cache, unless memory is short, and says how many of them were there before, and are now.
func (n *Node) intoMemory(ctx context.Context, dir string, bytes int64) (before, resident int64, err error) {
	if before, err = warm.Resident(dir); err != nil || before == bytes {
		return before, before, err
	}
	if available, err := n.Available(); err != nil || float64(bytes-before) > share*float64(available) {
		return before, before, err // where nobody knows how much memory there is, none is taken
	}
	resident, err = warm.Dir(ctx, dir)
	return before, resident, err
}
