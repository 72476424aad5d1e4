// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/hoist-dev/hoist/cachenode"
)

// pool lends buffers of pieceSize bytes out of one region outside the Go heap.
// The region is the memory budget: pages are used when a buffer is first filled,
// and the buffer used last is lent first, so few connections touch few pages.
type pool struct {
	region []byte
	lent   *semaphore.Weighted

	mu   sync.Mutex
	free [][]byte // a stack
	size int      // in buffers
}

// newPool reserves the address space for bytes/pieceSize buffers.
func newPool(bytes int64) (*pool, error) {
	n := bytes / pieceSize
	if n < 1 {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "start", Subject: "fetch",
			Err: fmt.Errorf("%d bytes of buffers, at least %d are needed", bytes, pieceSize)}
	}
	region, err := mapRegion(int(n * pieceSize))
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of buffers: %w", n*pieceSize, err)
	}
	p := &pool{region: region, lent: semaphore.NewWeighted(n), size: int(n)}
	for at := len(region); at > 0; at -= pieceSize {
		p.free = append(p.free, region[at-pieceSize:at:at])
	}
	return p, nil
}

// get waits for a buffer. It starts on a 4096-byte boundary.
func (p *pool) get(ctx context.Context) ([]byte, error) {
	if err := p.lent.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.free) - 1
	buf := p.free[last]
	p.free = p.free[:last]
	return buf, nil
}

// put takes back what get lent.
func (p *pool) put(buf []byte) {
	p.mu.Lock()
	p.free = append(p.free, buf)
	p.mu.Unlock()
	p.lent.Release(1)
}

// inUse is the number of buffers lent.
func (p *pool) inUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size - len(p.free)
}

// trim gives the memory back to the system, if no buffer is lent.
func (p *pool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == p.size {
		releasePages(p.region)
	}
}

// close unmaps the region. No buffer may be lent.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < p.size {
		panic("fetch: buffers lent after the last attempt ended")
	}
	p.free = nil
	return unmapRegion(p.region)
}
