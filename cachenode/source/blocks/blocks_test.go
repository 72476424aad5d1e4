// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package blocks_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/source/blocks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func from(content []byte) blocks.ReadAt {
	return func(_ context.Context, p []byte, off int64) error {
		if n := copy(p, content[off:]); n < len(p) {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
}

func TestReader_StreamsExactlyTheRange(t *testing.T) {
	t.Parallel()
	content, ctx := cachetest.Bytes(1, 10_000), t.Context()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 3000).Draw(t, "block")
		off := rapid.Int64Range(0, 10_000).Draw(t, "off")
		r := cachenode.Range{Off: off, Len: rapid.Int64Range(0, 10_000-off).Draw(t, "len")}
		reader := &blocks.Reader{Size: size, Ahead: rapid.IntRange(1, 4).Draw(t, "ahead")}
		confirmed := 0
		var mu sync.Mutex
		var crossed bool
		body := reader.Open(ctx, r, func(ctx context.Context, p []byte, at int64) error {
			mu.Lock()
			crossed = crossed || at/size != (at+int64(len(p))-1)/size
			mu.Unlock()
			return from(content)(ctx, p, at)
		}, func(context.Context) error { confirmed++; return nil })
		defer body.Close()
		got, err := io.ReadAll(iotest.HalfReader(body))
		if err != nil || !bytes.Equal(got, content[r.Off:r.End()]) {
			t.Fatalf("%d bytes of %d, %v", len(got), r.Len, err)
		}
		if want := int(min(r.Len, 1)); confirmed != want {
			t.Fatalf("%d bytes were confirmed %d times", r.Len, confirmed)
		}
		if crossed {
			t.Fatal("a read crosses the border of a block")
		}
	})
}

// A5: without a confirmation nobody gets all the bytes.
func TestReader_KeepsTheLastBytesUntilTheyAreConfirmed(t *testing.T) {
	t.Parallel()
	reader := &blocks.Reader{Size: 100, Ahead: 2}
	refusal := errors.New("changed")
	body := reader.Open(t.Context(), cachenode.Range{Len: 250}, from(make([]byte, 250)), func(context.Context) error { return refusal })
	defer body.Close()
	got, err := io.ReadAll(body)
	if !errors.Is(err, refusal) || len(got) >= 250 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestReader_AnErrorEndsTheStreamWhereItHappened(t *testing.T) {
	t.Parallel()
	reader := &blocks.Reader{Size: 100, Ahead: 4}
	broken := errors.New("broken")
	body := reader.Open(t.Context(), cachenode.Range{Len: 1000}, func(_ context.Context, _ []byte, off int64) error {
		if off >= 300 {
			return broken
		}
		return nil
	}, nil)
	defer body.Close()
	if got, err := io.ReadAll(body); len(got) != 300 || !errors.Is(err, broken) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A file server that hangs holds nobody up but the goroutine that asked it.
func TestReader_CancelingUnblocksAReadThatHangs(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	defer close(hang)
	reader := &blocks.Reader{Size: 100, Ahead: 2}
	ctx, cancel := context.WithCancel(t.Context())
	body := reader.Open(ctx, cachenode.Range{Len: 1000}, func(_ context.Context, _ []byte, off int64) error {
		if off >= 100 {
			<-hang
		}
		return nil
	}, nil)
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Read returned %v", err)
	}
}
