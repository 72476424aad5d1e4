// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// unpack decompresses the block packed, of size bytes. nil is a volume without compression.
type unpack func(packed []byte, size int) ([]byte, error)

// unpacker is the unpack of an algorithm as JuiceFS names it: blocks are frames of zstd,
// or single blocks of LZ4.
func unpacker(algorithm string) (unpack, error) {
	switch strings.ToLower(algorithm) {
	case "", "none":
		return nil, nil //nolint:nilnil // nothing to unpack is no error
	case "zstd":
		decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxBlock), zstd.WithDecoderConcurrency(0))
		if err != nil {
			return nil, fmt.Errorf("start zstd: %w", err)
		}
		return func(packed []byte, size int) ([]byte, error) {
			return sized(size)(decoder.DecodeAll(packed, make([]byte, 0, size)))
		}, nil
	case "lz4":
		return func(packed []byte, size int) ([]byte, error) {
			plain := make([]byte, size)
			n, err := lz4.UncompressBlock(packed, plain)
			return sized(size)(plain[:max(n, 0)], err)
		}, nil
	}
	return nil, fmt.Errorf("compression %q", algorithm)
}

// maxBlock is more than any block of JuiceFS has, in bytes.
const maxBlock = 64 << 20

func sized(want int) func([]byte, error) ([]byte, error) {
	return func(plain []byte, err error) ([]byte, error) {
		switch {
		case err != nil:
			return nil, err
		case len(plain) != want:
			return nil, errors.New("a block has another size than its name says")
		}
		return plain, nil
	}
}
