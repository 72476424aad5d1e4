// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

// blobKey names a flight: two stores never share one.
type blobKey struct {
	store cachenode.Store
	blob  cachenode.BlobID
}

// flight is one blob on its way into a store, for everyone who wants it.
type flight struct {
	s         *Scheduler
	key       blobKey
	source    cachenode.Source
	origin    cachenode.Origin
	file      cachenode.File
	inspector cachenode.Inspector
	claim     *claim
	arrival   uint64 // flights that came before

	ctx  context.Context //nolint:containedctx // of the flight's goroutine; its cause says why the flight ended
	fail context.CancelCauseFunc
	done chan struct{}
	err  error // valid once done is closed

	// Set before the first chunk is queued.
	ingest   cachenode.Ingest
	object   *checksum.Object
	attempts sync.WaitGroup

	present atomic.Int64 // bytes on disk
	cached  atomic.Int64 // of these, bytes that were there before

	// Guarded by Scheduler.mu.
	chunks   []chunk
	seats    map[*seat]struct{}
	raised   cachenode.Priority // by Raise
	priority cachenode.Priority // the highest of these
	left     int                // chunks to arrive in this download
	arrived  chan struct{}      // closed when left becomes 0
}

// over reports whether the flight has ended or is about to.
func (f *flight) over() bool { return f.ctx.Err() != nil }

// run takes the blob all the way. It is the flight's goroutine.
func (f *flight) run() {
	err := f.complete()
	f.fail(nil) // from here on it is over for those who would join
	f.s.mu.Lock()
	delete(f.s.flights, f.key)
	f.s.mu.Unlock()
	f.claim.release()
	f.err = err
	close(f.done)
}

// complete opens the blob, brings it to its seal and closes it.
func (f *flight) complete() error {
	var err error
	f.ingest, err = f.claim.filling.Ingest(f.ctx, f.file)
	if errors.Is(err, cachenode.ErrSealed) {
		f.present.Store(f.file.Size)
		f.cached.Store(f.file.Size)
		return nil
	}
	if err != nil {
		return f.why(err)
	}
	err = f.why(f.seal())
	if failure := f.ingest.Close(worthless(err)); failure != nil {
		f.s.Logger.Warn("blob not closed cleanly", "path", f.file.Path, "err", failure)
	}
	return err
}

// worthless reports whether what was fetched is of no use to a later attempt.
func worthless(err error) bool {
	return errors.Is(err, cachenode.ErrCorrupt) || errors.Is(err, cachenode.ErrUnsafe) || errors.Is(err, cachenode.ErrChanged)
}

// why prefers the reason that the flight was ended for over what that led to.
func (f *flight) why(err error) error {
	if err != nil && f.over() {
		return context.Cause(f.ctx)
	}
	return err
}

// seal downloads and verifies until the blob is what its manifest says, and seals it.
func (f *flight) seal() error {
	var err error
	f.object, err = checksum.NewObject(f.file.Source.Checksum, f.file.Size, f.file.Parts)
	if err != nil {
		return err
	}
	if err := f.resume(); err != nil {
		return err
	}
	if err := f.fetch(); err != nil {
		return err
	}
	if f.inspector != nil {
		if err := f.inspector.Whole(f.file, f.ingest); err != nil {
			return err
		}
	}
	return f.ingest.Seal(f.ctx)
}

// fetch downloads what is missing and compares the whole with its checksum. What
// does not match is fetched a second time, and not a third.
func (f *flight) fetch() error {
	if err := f.download(); err != nil {
		return err
	}
	bad := f.verify()
	if !errors.Is(bad, cachenode.ErrCorrupt) {
		return bad
	}
	f.s.Logger.Warn("bytes differ from their checksum, fetching them again", "path", f.file.Path, "err", bad)
	f.s.Observer.Retried(cachenode.ErrCorrupt)
	if err := f.forget(bad); err != nil {
		return err
	}
	if err := f.download(); err != nil {
		return err
	}
	if bad = f.verify(); !errors.Is(bad, cachenode.ErrCorrupt) {
		return bad
	}
	return &cachenode.Error{Kind: cachenode.ErrCorrupt, Op: "verify", Subject: f.origin.String() + f.file.Path, Err: bad,
		Hint: "fetched twice and wrong twice: upload the object again, or look for what alters it on its way"}
}

// download queues the chunks that are missing and waits until they have arrived,
// or the flight is over. No attempt is in flight when it returns.
func (f *flight) download() error {
	f.s.locked(f.enqueue)
	select {
	case <-f.arrived:
	case <-f.ctx.Done():
		f.s.locked(func() { f.s.queue.drop(f) })
	}
	f.attempts.Wait()
	return context.Cause(f.ctx)
}

// enqueue queues every missing chunk. Scheduler.mu is held.
func (f *flight) enqueue() {
	f.left, f.arrived = 0, make(chan struct{})
	for i := range f.chunks {
		if c := &f.chunks[i]; c.state == missing {
			f.left++
			f.s.enqueue(c)
		}
	}
	if f.left == 0 {
		close(f.arrived)
	}
}

// keep takes one piece from the hot path: it judges the head of the file, feeds the
// checksum while the bytes are in the CPU's cache, and stores them. A failure ends
// the flight: the disk is not better for the next attempt.
func (f *flight) keep(p []byte, off int64, how cachenode.Placement) error {
	if off == 0 {
		if err := f.head(p); err != nil {
			f.fail(err)
			return err
		}
	}
	f.object.Add(off, p)
	if err := f.ingest.Write(p, off, how); err != nil {
		f.fail(err)
		return err
	}
	f.present.Add(int64(len(p)))
	return nil
}

// head judges the file by its first piece.
func (f *flight) head(p []byte) error {
	if f.inspector == nil {
		return nil
	}
	return f.inspector.Head(f.file, p)
}

// arrive records that a's chunk is complete, and tells who waits for it.
func (s *Scheduler) arrive(a *attempt) error {
	c := a.chunk
	f := c.flight
	if err := f.ingest.MarkVerified(c.index, c.crc()); err != nil {
		f.fail(err)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.running {
		if other.chunk == c && other != a {
			other.stop(errLost)
		}
	}
	c.verify()
	if f.left--; f.left == 0 {
		close(f.arrived)
	}
	return nil
}
