// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

// MemPeers are other nodes, in memory.
type MemPeers struct {
	mu     sync.Mutex
	blobs  map[cachenode.BlobID][]byte
	served map[cachenode.BlobID]int64
}

var _ cachenode.Peers = (*MemPeers)(nil)

// NewPeers are peers that hold nothing.
func NewPeers() *MemPeers {
	return &MemPeers{blobs: map[cachenode.BlobID][]byte{}, served: map[cachenode.BlobID]int64{}}
}

// Put gives a blob to a peer. What it holds need not be true: peers may lie.
func (p *MemPeers) Put(id cachenode.BlobID, content []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blobs[id] = content
}

// Served is how many bytes of a blob were read so far.
func (p *MemPeers) Served(id cachenode.BlobID) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.served[id]
}

// Open streams a range of a blob.
func (p *MemPeers) Open(ctx context.Context, id cachenode.BlobID, r cachenode.Range) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	content, ok := p.blobs[id]
	switch {
	case !ok:
		return nil, notFound("get from peers", string(id))
	case !inside(r, int64(len(content))):
		return nil, badRange(string(id), r, len(content))
	}
	return &body{ctx: ctx, reader: bytes.NewReader(content[r.Off:r.End()]), count: func(n int) { p.count(id, n) }}, nil
}

func (p *MemPeers) count(id cachenode.BlobID, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.served[id] += int64(n)
}
