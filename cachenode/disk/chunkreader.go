// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

// chunkReader computes the CRC-32Cs of a file's chunks from what is on the disk.
// It reads around the page cache where it can, so that a check neither trusts pages
// nor pushes out those of the models being served.
type chunkReader struct {
	data   *file // through the page cache
	direct *file // around it, or nil
	size   int64
	buf    []byte
}

const readSize = 4 << 20

func newChunkReader(data, direct *file, size int64) *chunkReader {
	raw := make([]byte, readSize+blockSize)
	skip := (blockSize - int(address(raw)%blockSize)) % blockSize
	return &chunkReader{data: data, direct: direct, size: size, buf: raw[skip : skip+readSize]}
}

// address is where p begins in memory.
func address(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) } //nolint:gosec // only looked at, for its alignment

// sum is the CRC-32C of chunk i.
func (r *chunkReader) sum(i int) (uint32, error) {
	var crc uint32
	span := cachenode.ChunkRange(r.size, i)
	for off := span.Off; off < span.End(); off += readSize {
		p := r.buf[:min(readSize, span.End()-off)]
		if err := r.read(p, off); err != nil {
			return 0, wrap("read", r.data.name, err)
		}
		crc = checksum.Combine32C(crc, checksum.Chunk(p), int64(len(p)))
	}
	return crc, nil
}

func (r *chunkReader) read(p []byte, off int64) error {
	if r.direct != nil {
		block := p[:(len(p)+blockSize-1)/blockSize*blockSize]
		n, err := r.direct.ReadAt(block, off)
		if n >= len(p) {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	if n, err := r.data.ReadAt(p, off); n < len(p) {
		return fmt.Errorf("%d of %d bytes at %d: %w", n, len(p), off, err)
	}
	return nil
}

func (r *chunkReader) close() { r.data.dropPages() }

// checkBlob compares the bytes of a whole blob with its sums. pause is called with
// the number of bytes before each chunk is read. A difference is ErrCorrupt.
func checkBlob(f *fsys, name, sumsName string, pause func(int64) error) error {
	raw, err := f.read(sumsName)
	if err != nil {
		return err
	}
	want, err := decodeSums(raw)
	if err != nil {
		return corrupt(sumsName, err)
	}
	if size := f.size(name); size != want.size {
		return corrupt(name, fmt.Errorf("it has %d bytes, %d were sealed", size, want.size))
	}
	data, err := f.open(name)
	if err != nil {
		return err
	}
	defer data.Close()
	direct := f.openDirect(name, 0)
	if direct != nil {
		defer direct.Close()
	}
	reader := newChunkReader(data, direct, want.size)
	defer reader.close()
	for i, sum := range want.chunks {
		if err := pause(cachenode.ChunkRange(want.size, i).Len); err != nil {
			return err
		}
		got, err := reader.sum(i)
		if err != nil {
			return err
		}
		if got != sum {
			return corrupt(name, fmt.Errorf("chunk %d (bytes from %d) changed since it was sealed", i, cachenode.ChunkRange(want.size, i).Off))
		}
	}
	return nil
}

func corrupt(name string, err error) error {
	return &cachenode.Error{Kind: cachenode.ErrCorrupt, Op: "verify", Subject: name, Err: err}
}
