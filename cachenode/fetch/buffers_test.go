// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"testing"
	"unsafe"
)

// Buffers are aligned, disjoint and lent once.
func TestPool_LendsEachBufferOnce(t *testing.T) {
	t.Parallel()
	p, lent := lendAll(t, 5)
	for i, buf := range lent {
		if len(buf) != pieceSize || cap(buf) != pieceSize || address(buf)%4096 != 0 {
			t.Errorf("buffer of %d bytes at %x", len(buf), address(buf))
		}
		buf[0], buf[pieceSize-1] = byte(i), byte(i)
	}
	for i, buf := range lent {
		if buf[0] != byte(i) || buf[pieceSize-1] != byte(i) {
			t.Errorf("buffer %d overlaps another", i)
		}
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.get(impatient); err == nil || p.inUse() != 5 {
		t.Errorf("a sixth of five buffers was lent, %d are in use", p.inUse())
	}
	returnAll(t, p, lent)
}

// The buffer used last is lent first, and memory is given back only while nobody
// has a buffer.
func TestPool_TouchesLittleMemory(t *testing.T) {
	t.Parallel()
	p, lent := lendAll(t, 3)
	lent[0][0] = 1
	p.put(lent[2])
	p.put(lent[1])
	if buf, err := p.get(t.Context()); err != nil || address(buf) != address(lent[1]) {
		t.Errorf("the buffer used last does not come first: %v", err)
	}
	p.trim()
	if lent[0][0] != 1 {
		t.Error("memory was given back that is in use")
	}
	returnAll(t, p, lent[:2])
}

func lendAll(t *testing.T, n int) (p *pool, lent [][]byte) {
	t.Helper()
	p, err := newPool(int64(n)*pieceSize + 1)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		buf, err := p.get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lent = append(lent, buf)
	}
	return p, lent
}

func returnAll(t *testing.T, p *pool, lent [][]byte) {
	t.Helper()
	for _, buf := range lent {
		p.put(buf)
	}
	p.trim()
	if err := p.close(); err != nil {
		t.Error(err)
	}
}

func address(buf []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(buf))) }
