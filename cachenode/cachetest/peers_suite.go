// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// PeersFixture is a Peers and how a peer comes to hold a blob.
type PeersFixture struct {
	Peers cachenode.Peers
	Put   func(id cachenode.BlobID, content []byte)
}

// Peers proves that a Peers keeps its contract. It calls fixture once for each
// subtest.
func Peers(t *testing.T, fixture func(t *testing.T) PeersFixture) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, PeersFixture){
		"a blob that nobody holds is ErrNotFound": peersUnknown,
		"ranges are exact":                        peersRanges,
		"impossible ranges are errors":            peersImpossibleRanges,
		"a canceled context is an error":          peersCanceled,
	} {
		t.Run(name, func(t *testing.T) { test(t, fixture(t)) })
	}
}

func (fx PeersFixture) read(ctx context.Context, id cachenode.BlobID, r cachenode.Range) ([]byte, error) {
	body, err := fx.Peers.Open(ctx, id, r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func blobID(digit string) cachenode.BlobID { return cachenode.BlobID(strings.Repeat(digit, 64)) }

func peersUnknown(t *testing.T, fx PeersFixture) {
	fx.Put(blobID("a"), Bytes(1, 10))
	if got, err := fx.read(t.Context(), blobID("b"), cachenode.Range{Len: 1}); cachenode.KindOf(err) != cachenode.ErrNotFound {
		t.Errorf("%d bytes, %v; want ErrNotFound", len(got), err)
	}
}

func peersRanges(t *testing.T, fx PeersFixture) {
	content := Bytes(1, 10_001)
	fx.Put(blobID("a"), content)
	fx.Put(blobID("b"), Bytes(2, 10_001))
	results := make(chan error)
	spans := []cachenode.Range{{Off: 0, Len: 1}, {Off: 0, Len: 10_001}, {Off: 10_000, Len: 1}, {Off: 4095, Len: 2}}
	for _, r := range spans {
		go func() {
			got, err := fx.read(t.Context(), blobID("a"), r)
			if !bytes.Equal(got, content[r.Off:r.End()]) {
				err = cmp.Or(err, fmt.Errorf("%+v: other bytes", r))
			}
			results <- err
		}()
	}
	for range spans {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func peersImpossibleRanges(t *testing.T, fx PeersFixture) {
	fx.Put(blobID("a"), Bytes(1, 100))
	for _, r := range []cachenode.Range{{Off: -1, Len: 2}, {Off: 0, Len: 101}, {Off: 100, Len: 1}, {Off: 1, Len: 1<<63 - 1}} {
		if got, err := fx.read(t.Context(), blobID("a"), r); err == nil {
			t.Errorf("%+v of 100 bytes: %d bytes and no error", r, len(got))
		}
	}
}

func peersCanceled(t *testing.T, fx PeersFixture) {
	fx.Put(blobID("a"), Bytes(1, 100))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := fx.read(ctx, blobID("a"), cachenode.Range{Len: 100}); err == nil {
		t.Errorf("%d bytes and no error", len(got))
	}
}
