// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// A1: no sequence of faults, cancels, restarts and bit flips gets a byte published
// that is not the origin's, and when the faults end everything arrives. The store
// of these tests judges every seal, every recorded CRC and every second write.
func TestMetamorphic_PublishedBytesAreTheOrigins(t *testing.T) {
	t.Parallel()
	groups := 21 // of 100 sequences, rapid's default
	if testing.Short() {
		groups = 2
	}
	for g := range groups {
		t.Run(fmt.Sprint(g), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				p := drawPlan(rt)
				synctest.Test(t, func(t *testing.T) {
					for _, problem := range p.run(t.Context()) {
						rt.Error(problem)
					}
				})
			})
		})
	}
}

// plan is one sequence: a small world and what happens in it.
type plan struct {
	manifests []cachenode.Manifest
	answers   []fault // of requests, in turn
	lies      []fault // of peers, in turn; none is no peers
	writes    []error // of the disk, in turn
	buffers   int64
	steps     []step
}

type fault struct {
	kind string
	at   int64
}

type step struct {
	kind     string
	manifest int
	priority cachenode.Priority
	file     int
	off      int64
	wait     time.Duration
	settle   bool // let everything come to rest before the next step
}

var sizes = rapid.Custom(func(t *rapid.T) int64 {
	if rapid.IntRange(0, 5).Draw(t, "large") == 0 {
		return rapid.SampledFrom([]int64{4*mib + 1, 16 * mib, 16*mib + 5, 21 * mib}).Draw(t, "size")
	}
	return rapid.SampledFrom([]int64{0, 1, 4095, 4096, 4097, 100 * kib, mib}).Draw(t, "size")
})

var faults = rapid.Custom(func(t *rapid.T) fault {
	kind := rapid.SampledFrom([]string{"", "", "", "", "", "slow", "unavailable", "throttled", "cut", "stall", "flip", "changed", "denied"}).Draw(t, "fault")
	return fault{kind, rapid.SampledFrom([]int64{0, 1, 4000, mib, 4 * mib, 9 * mib}).Draw(t, "at")}
})

var steps = rapid.Custom(func(t *rapid.T) step {
	return step{
		kind:     rapid.SampledFrom([]string{"fill", "fill", "fill", "cancel", "wait", "wait", "await", "raise", "rot", "restart"}).Draw(t, "step"),
		manifest: rapid.IntRange(0, 2).Draw(t, "manifest"),
		priority: cachenode.Priority(rapid.IntRange(0, cachenode.Priorities-1).Draw(t, "priority")),
		file:     rapid.IntRange(0, 5).Draw(t, "file"),
		off:      rapid.Int64Range(0, 21*mib).Draw(t, "off"),
		wait:     time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "wait")),
		settle:   rapid.Bool().Draw(t, "settle"),
	}
})

func drawPlan(t *rapid.T) plan {
	var files []cachenode.File
	for i := range rapid.IntRange(1, 6).Draw(t, "files") {
		files = append(files, file(fmt.Sprint("f", i), sizes.Draw(t, "size"), uint64(i)))
	}
	p := plan{
		answers: rapid.SliceOfN(faults, 1, 20).Draw(t, "answers"),
		buffers: rapid.SampledFrom([]int64{4 * mib, 8 * mib, 64 * mib}).Draw(t, "buffers"),
		steps:   rapid.SliceOfN(steps, 10, 60).Draw(t, "steps"),
		writes:  rapid.SliceOfN(rapid.SampledFrom([]error{nil, nil, nil, nil, nil, nil, nil, nil, cachenode.ErrDisk, cachenode.ErrNoSpace}), 0, 10).Draw(t, "writes"),
	}
	if rapid.IntRange(0, 2).Draw(t, "peers") == 0 {
		p.lies = rapid.SliceOfN(faults, 1, 10).Draw(t, "lies")
	}
	for range 3 { // models that share files
		var some []cachenode.File
		for _, f := range files {
			if rapid.Bool().Draw(t, "take") {
				some = append(some, f)
			}
		}
		if len(some) == 0 {
			some = files[:1]
		}
		p.manifests = append(p.manifests, manifest(some...))
	}
	return p
}

// world is a plan being run.
type world struct {
	plan
	src     *origin
	store   *disk
	sched   *fetch.Scheduler
	calm    bool // no more faults
	mu      sync.Mutex
	turn    int // of answers, lies and writes
	jobs    sync.WaitGroup
	cancels []context.CancelFunc
	broken  []string
}

func (p plan) run(ctx context.Context) []string {
	w := &world{plan: p, src: &origin{}, store: newDisk()}
	w.src.script = func(q *request) (err error) {
		q.body, err = w.answer(q.ctx, q.body, w.answers)
		return err
	}
	w.store.write = func(cachenode.File, int64, cachenode.Placement) error { return w.write() }
	w.store.mark = func(cachenode.File) error { return w.write() }
	w.store.seal = func(context.Context, cachenode.File) error { return w.write() }
	w.start()
	for _, s := range p.steps {
		w.step(ctx, s)
		if s.settle {
			synctest.Wait()
		}
	}
	for _, m := range p.manifests {
		_ = w.sched.Fill(ctx, fetch.Job{Source: w.src, Store: w.store, Manifest: m})
	}
	w.restart()
	w.calm = true
	for _, m := range p.manifests {
		err := w.sched.Fill(ctx, fetch.Job{Source: w.src, Store: w.store, Manifest: m})
		if errors.Is(err, cachenode.ErrCorrupt) { // of bytes from before: they are gone now
			err = w.sched.Fill(ctx, fetch.Job{Source: w.src, Store: w.store, Manifest: m})
		}
		if err != nil {
			w.broken = append(w.broken, fmt.Sprintf("calm fill: %v", err))
		}
	}
	w.stop()
	return w.verdict()
}

func (w *world) verdict() []string {
	rec := &recorder{}
	w.store.check(rec)
	for _, m := range w.manifests {
		w.store.holds(rec, m)
	}
	return append(w.broken, rec.errors...)
}

func (w *world) step(ctx context.Context, s step) {
	m := w.manifests[s.manifest]
	blob := m.Blob(m.Files[s.file%len(m.Files)])
	switch s.kind {
	case "fill":
		ctx, cancel := context.WithCancel(ctx)
		w.cancels = append(w.cancels, cancel)
		w.jobs.Go(func() {
			_ = w.sched.Fill(ctx, fetch.Job{Source: w.src, Store: w.store, Manifest: m, Priority: s.priority, Progress: new(fetch.Progress)})
		})
	case "cancel":
		if len(w.cancels) > 0 {
			w.cancels[s.file%len(w.cancels)]()
		}
	case "wait":
		_ = wait(ctx, s.wait)
	case "await":
		ctx, cancel := context.WithTimeout(ctx, s.wait)
		w.cancels = append(w.cancels, cancel)
		w.jobs.Go(func() { _ = w.sched.Await(ctx, w.store, blob, cachenode.Range{Off: s.off, Len: mib}) })
	case "raise":
		_ = w.sched.Raise(w.store, blob, s.priority) //nolint:contextcheck // it takes none
	case "rot":
		synctest.Wait()
		w.store.rot(blob, min(s.off, max(0, w.store.size(blob)-1)))
	case "restart":
		w.restart()
	}
}

func (w *world) start() {
	config := fetch.Config{Buffers: w.buffers}
	if len(w.lies) > 0 {
		config.Peers = peers(func(ctx context.Context, id cachenode.BlobID, r cachenode.Range) (io.ReadCloser, error) {
			body, err := w.answer(ctx, &generator{seed: w.store.seed(id), off: r.Off, end: r.End()}, w.lies)
			return io.NopCloser(body), err
		})
	}
	s, err := fetch.New(config)
	if err != nil {
		panic(err)
	}
	w.sched = s
}

func (w *world) stop() {
	if err := w.sched.Close(); err != nil {
		w.broken = append(w.broken, err.Error())
	}
	for _, cancel := range w.cancels {
		cancel()
	}
	w.jobs.Wait()
	w.cancels = nil
}

func (w *world) restart() {
	w.stop()
	w.start()
}

// next is whose turn it is among n.
func (w *world) next(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn++
	return w.turn % n
}

func (w *world) write() error {
	if w.calm || len(w.writes) == 0 {
		return nil
	}
	return w.writes[w.next(len(w.writes))]
}

func (w *world) answer(ctx context.Context, body io.Reader, script []fault) (io.Reader, error) {
	if w.calm {
		return body, nil
	}
	switch f := script[w.next(len(script))]; f.kind {
	case "slow":
		return &slow{ctx, body, mib}, nil
	case "unavailable":
		return nil, unavailable
	case "throttled":
		return nil, slowDown
	case "cut":
		return io.LimitReader(body, f.at), nil
	case "stall":
		return io.MultiReader(io.LimitReader(body, f.at), hung{ctx}), nil
	case "flip":
		return &flipped{body, f.at}, nil
	case "changed":
		return nil, cachenode.ErrChanged
	case "denied":
		return nil, cachenode.ErrDenied
	}
	return body, nil
}

// recorder is a testing.TB that only remembers.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
