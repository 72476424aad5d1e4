// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import "context"

// Ahead reads a leased copy into the page cache while the pod that mounts it starts: a server is busy with its imports for seconds before it asks for the
// first weight, and many ask for a page at a time. It returns at once. Giving back the lease that it returns, instead of l, ends the reading.
func (n *Node) Ahead(l Lease) Lease {
	if !n.ReadAhead {
		return l
	}
	ctx, stop := context.WithCancel(n.ctx)
	n.work.Go(func() {
		defer stop()
		n.ahead(ctx, l)
	})
	return Lease{Revision: l.Revision, Path: l.Path, Release: func() {
		stop()
		l.Release()
	}}
}

// ahead waits for its turn: two copies at a time would each be there later, and a second pod with the same one finds it read.
func (n *Node) ahead(ctx context.Context, l Lease) {
	select {
	case n.reading <- struct{}{}:
		defer func() { <-n.reading }()
	case <-ctx.Done():
		return
	}
	m, err := n.Store.Manifest(l.Revision)
	var before, resident int64
	if err == nil {
		before, resident, err = n.intoMemory(ctx, l.Path, m.Bytes())
	}
	n.Metrics.readAhead(resident - before)
	if err != nil && ctx.Err() == nil {
		n.Log.Warn("model not read ahead of its server", "revision", l.Revision.Short(), "err", err)
	}
}
