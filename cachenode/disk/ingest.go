// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

// blockSize is what direct I/O is aligned to, in memory and on disk, in bytes.
const blockSize = 4096

// ingest is a blob on its way: data and journal in a folder of their own.
type ingest struct {
	fsys   *fsys
	dir    string // of the ingest
	whole  string // where the blob goes when it is sealed
	sumsAt string // where its sums go
	size   int64
	data   *file
	direct *file // the same file around the page cache; nil if that can't be had
	done   func()

	mu      sync.Mutex
	journal *journal
	held    claims
	failure error // what poisoned the ingest
}

// openIngest opens the ingest in dir, with what an earlier attempt left there.
func openIngest(ctx context.Context, f *fsys, dir, whole, sumsAt string, size int64) (_ *ingest, err error) {
	if err := f.mkdir(dir); err != nil {
		return nil, err
	}
	in := &ingest{fsys: f, dir: dir, whole: whole, sumsAt: sumsAt, size: size, done: func() {}}
	fresh := f.size(path.Join(dir, "data")) < 0
	defer func() {
		if err != nil {
			in.closeFiles()
			if fresh { // else it holds what an earlier attempt verified
				_ = f.removeAll(dir)
			}
		}
	}()
	if !fresh { // a seal that was cut short has made it read-only, also for us unless we are root
		if err := f.chmod(path.Join(dir, "data"), 0o600); err != nil {
			return nil, err
		}
	}
	if in.data, err = f.create(path.Join(dir, "data"), 0); err != nil {
		return nil, err
	}
	if err := in.data.allocate(size); err != nil {
		return nil, err
	}
	in.direct = f.openDirect(path.Join(dir, "data"), os.O_RDWR)
	if err := in.resume(ctx, fresh); err != nil {
		return nil, err
	}
	return in, nil
}

// resume takes over what the journal claims and the disk holds.
func (in *ingest) resume(ctx context.Context, fresh bool) error {
	name, now := path.Join(in.dir, "journal"), in.fsys.lifetime()
	var old []byte
	if !fresh && in.fsys.size(name) > 0 {
		var err error
		if old, err = in.fsys.read(name); err != nil {
			return err
		}
	}
	claimed, end, sameLife, ok := parseJournal(old, in.size, now)
	if ok && sameLife {
		got, err := in.fsys.create(name, 0)
		if err != nil {
			return err
		}
		in.held, in.journal = claimed, &journal{file: got, end: end}
		return nil
	}
	return in.restart(ctx, name, now, claimed)
}

// restart begins a new journal with the claims that survive a look at the bytes. Until it has looked at all of them the old one stays, for a look at
// many gigabytes may be cut short.
func (in *ingest) restart(ctx context.Context, name, now string, claimed claims) error {
	begun := name
	if len(claimed) > 0 {
		begun += partSuffix
	}
	got, err := in.fsys.create(begun, 0)
	if err != nil {
		return err
	}
	if in.journal, err = startJournal(got, in.size, now); err != nil {
		return errors.Join(err, got.Close())
	}
	in.held = claims{}
	if len(claimed) == 0 {
		return nil
	}
	if err := in.lookAt(ctx, claimed); err != nil {
		return err
	}
	return in.fsys.rename(begun, name)
}

// lookAt takes over the claims that the bytes bear out, in order. One ingest does so at a time: it is the disk that takes the time, and the buffer
// is not of those that the node has a limit for.
func (in *ingest) lookAt(ctx context.Context, claimed claims) error {
	in.fsys.looking.Lock()
	defer in.fsys.looking.Unlock()
	reader := newChunkReader(in.data, in.direct, in.size)
	defer reader.close()
	for _, i := range slices.Sorted(maps.Keys(claimed)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if crc, err := reader.sum(i); err != nil || crc != claimed[i] {
			continue // lost with the power, or rotten: fetched again
		}
		if err := in.MarkVerified(i, claimed[i]); err != nil {
			return err
		}
	}
	return nil
}

// ReadAt reads back what was written: whole blocks around the page cache, which is the pods'.
func (in *ingest) ReadAt(p []byte, off int64) (int, error) {
	from := in.data
	if in.direct != nil && len(p) > 0 && len(p)%blockSize == 0 && off%blockSize == 0 && address(p)%blockSize == 0 {
		from = in.direct
	}
	n, err := from.ReadAt(p, off)
	return n, err //nolint:wrapcheck // io.EOF must pass as it is
}

// Write stores p at off.
func (in *ingest) Write(p []byte, off int64, how cachenode.Placement) error {
	if off < 0 || off+int64(len(p)) > in.size {
		return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "write", Subject: in.dir,
			Err: fmt.Errorf("%d bytes at %d of a blob of %d", len(p), off, in.size)}
	}
	if how == cachenode.Direct && in.direct != nil {
		if block, ok := wholeBlocks(p, off, off+int64(len(p)) == in.size); ok {
			_, err := in.direct.WriteAt(block, off)
			return in.poison(err)
		}
	}
	_, err := in.data.WriteAt(p, off)
	return in.poison(err)
}

// wholeBlocks is p, padded with zeros to whole blocks if it is the blob's tail and
// there is room behind it. ok is false if p can't go around the page cache.
func wholeBlocks(p []byte, off int64, tail bool) (block []byte, ok bool) {
	n := (len(p) + blockSize - 1) / blockSize * blockSize
	if len(p) == 0 || off%blockSize != 0 || address(p)%blockSize != 0 || n > cap(p) || n != len(p) && !tail {
		return nil, false
	}
	block = p[:n]
	clear(block[len(p):])
	return block, true
}

// Verified returns the CRC-32C of chunk i if it is held.
func (in *ingest) Verified(i int) (uint32, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	crc, ok := in.held[i]
	return crc, ok
}

// MarkVerified records that chunk i is held. What of it went through the page cache begins to be written, for whoever waits for the blob would wait for
// all that is dirty when it is sealed: up to a tenth of the node's memory, before the kernel begins by itself (vm.dirty_background_ratio).
func (in *ingest) MarkVerified(i int, crc32c uint32) error {
	chunk := cachenode.ChunkRange(in.size, i)
	in.data.writeOut(chunk.Off, chunk.Len)
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.journal.append(i, recordHeld, crc32c); err != nil {
		return err
	}
	in.held[i] = crc32c
	return nil
}

// Forget records that chunk i is not held any more.
func (in *ingest) Forget(i int) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.held, i)
	return in.journal.append(i, recordDropped, 0)
}

// poison remembers the first failure of the disk: what it hit can't be trusted, so
// nothing of this ingest is kept.
func (in *ingest) poison(err error) error {
	if err != nil {
		in.mu.Lock()
		defer in.mu.Unlock()
		if in.failure == nil {
			in.failure = err
		}
	}
	return err
}

// Close ends the ingest.
func (in *ingest) Close(discard bool) error {
	defer in.done()
	in.closeFiles()
	in.mu.Lock()
	poisoned := in.failure != nil && !errors.Is(in.failure, cachenode.ErrNoSpace)
	in.mu.Unlock()
	if discard || poisoned {
		return in.fsys.removeAll(in.dir)
	}
	return nil
}

func (in *ingest) closeFiles() {
	for _, f := range []*file{in.data, in.direct} {
		if f != nil {
			_ = f.Close() // what must be durable was synced before
		}
	}
	if in.journal != nil {
		_ = in.journal.file.Close()
	}
}

// Seal makes the blob whole, durable and immutable.
func (in *ingest) Seal(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	all, err := in.sums()
	if err != nil {
		return err
	}
	if err := in.trim(); err != nil {
		return in.poison(err)
	}
	if err := in.data.Chmod(0o444); err != nil {
		return in.poison(err)
	}
	if err := in.data.Sync(); err != nil {
		return in.poison(err) // never again on this file: the kernel may have dropped the pages
	}
	folder := path.Dir(in.whole)
	if err := in.fsys.mkdir(folder); err != nil {
		return err
	}
	if err := in.fsys.write(in.sumsAt, all.encode(), true); err != nil {
		return err
	}
	if err := in.fsys.rename(path.Join(in.dir, "data"), in.whole); err != nil {
		return err
	}
	if err := in.fsys.syncDir(folder); err != nil {
		return in.poison(err)
	}
	return in.fsys.removeAll(in.dir)
}

// trim cuts off what direct writes, of this life or an earlier one, padded the end with.
func (in *ingest) trim() error {
	info, err := in.data.Stat()
	if err != nil {
		return wrap("stat", in.data.name, err)
	}
	if info.Size() == in.size {
		return nil
	}
	return in.data.Truncate(in.size)
}

// sums are all chunks' CRCs, or ErrIncomplete.
func (in *ingest) sums() (sums, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.failure != nil {
		return sums{}, in.failure
	}
	s := sums{size: in.size, chunks: make([]uint32, cachenode.Chunks(in.size))}
	for i := range s.chunks {
		crc, ok := in.held[i]
		if !ok {
			return sums{}, &cachenode.Error{Kind: cachenode.ErrIncomplete, Op: "seal", Subject: in.dir, Err: fmt.Errorf("chunk %d is missing", i)}
		}
		s.chunks[i] = crc
	}
	return s, nil
}
