// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// Bytes are n bytes that follow from seed.
func Bytes(seed uint64, n int) []byte {
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	b := make([]byte, n, n+7)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:i+8], random.Uint64())
	}
	return b
}

// Model is a manifest and the content of its files.
type Model struct {
	cachenode.Manifest

	Content map[string][]byte // by path
}

// NewModel is a model in memory. Files of equal paths and contents in two models are
// one blob.
func NewModel(t testing.TB, content map[string][]byte) Model {
	t.Helper()
	src := NewSource(nil)
	for path, b := range content {
		src.Put("m/"+path, b)
	}
	m, err := src.Resolve(t.Context(), cachenode.Ref{Scheme: "s3", Bucket: Bucket, Key: "m/"}, cachenode.Selection{AllowPickle: true})
	if err != nil {
		t.Fatal(fmt.Errorf("make a model: %w", err))
	}
	return Model{m, content}
}
