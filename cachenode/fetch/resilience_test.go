// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

var (
	unavailable = &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "get", Subject: "s3://models/x"}
	slowDown    = &cachenode.Error{Kind: cachenode.ErrThrottled, Op: "get", Subject: "s3://models/x"}
)

// C2: a connection without a byte for StallAfter is cut, wherever it hangs: before
// the first byte, inside a piece, between pieces.
func TestFill_CutsStalledConnections(t *testing.T) {
	t.Parallel()
	for _, after := range []int64{-1, 0, 5 * mib, 8 * mib} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, store := manifest(file("w", 16*mib, 1)), newDisk()
				src := &origin{script: func(q *request) error {
					switch {
					case q.nth > 1:
					case after < 0:
						<-q.ctx.Done()
						return q.ctx.Err()
					default:
						q.body = io.MultiReader(io.LimitReader(q.body, after), hung{q.ctx})
					}
					return nil
				}}
				s := scheduler(t, fetch.Config{Buffers: 8 * mib, StallAfter: 10 * time.Second})
				start := time.Now()
				if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
					t.Fatal(err)
				}
				store.check(t)
				store.holds(t, m)
				if took := time.Since(start); src.calls() != 2 || took < 10*time.Second || took > 11*time.Second {
					t.Errorf("%d requests in %v, want 2 in 10 s and a back-off", src.calls(), took)
				}
			})
		})
	}
}

// C2: slow is not stalled, however slow, and however long the disk or the bandwidth
// cap keep the next read waiting.
func TestFill_LetsSlowConnectionsLive(t *testing.T) {
	t.Parallel()
	for name, setup := range map[string]func(*origin, *disk, *fetch.Config){
		"origin": func(o *origin, _ *disk, _ *fetch.Config) {
			o.script = func(q *request) error {
				q.body = &slow{q.ctx, iotest.OneByteReader(q.body), 1}
				return nil
			}
		},
		"disk": func(_ *origin, d *disk, _ *fetch.Config) {
			d.write = func(cachenode.File, int64, cachenode.Placement) error {
				time.Sleep(time.Minute) //nolint:forbidigo // fake time
				return nil
			}
		},
		"cap": func(_ *origin, _ *disk, c *fetch.Config) { c.Bandwidth = 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				size := map[string]int64{"origin": 100, "disk": 5 * mib, "cap": 100 * kib}[name]
				m, src, store := manifest(file("w", size, 1)), &origin{}, newDisk()
				config := fetch.Config{Buffers: 8 * mib}
				setup(src, store, &config)
				s := scheduler(t, config)
				if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
					t.Fatal(err)
				}
				store.holds(t, m)
				if src.calls() != 1 {
					t.Errorf("%d requests, want 1", src.calls())
				}
			})
		})
	}
}

// B2: a retry asks only for the pieces that are missing.
func TestFill_RetryResumesAtFirstMissingPiece(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("w", 33*mib, 1)), newDisk()
		src := &origin{script: func(q *request) error {
			if q.chunk() == 1 && q.nth == 1 {
				q.body = io.LimitReader(q.body, 9*mib)
			}
			return nil
		}}
		s := scheduler(t, fetch.Config{Buffers: 4 * mib})
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
			t.Fatal(err)
		}
		store.check(t)
		store.holds(t, m)
		var asked []cachenode.Range
		for _, q := range src.requests {
			asked = append(asked, q.at)
		}
		slices.SortFunc(asked, func(a, b cachenode.Range) int { return cmp.Compare(a.Off, b.Off) })
		want := []cachenode.Range{{Off: 0, Len: 16 * mib}, {Off: 16 * mib, Len: 16 * mib}, {Off: 24 * mib, Len: 8 * mib}, {Off: 32 * mib, Len: mib}}
		if !slices.Equal(asked, want) {
			t.Errorf("asked for %v, want %v", asked, want)
		}
	})
}

// C1: a chunk is tried eight times, then the job fails with what the origin said.
func TestFill_GivesUpAfterEightRequestsPerChunk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("bad", 40*mib, 1), file("good", 40*mib, 2)), newDisk()
		src := &origin{script: func(q *request) error {
			if q.file.Path == "bad" && q.chunk() == 1 {
				return unavailable
			}
			return nil
		}}
		s := scheduler(t, fetch.Config{Buffers: 8 * mib})
		err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m})
		if !errors.Is(err, cachenode.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
		store.check(t)
		tries := 0
		for _, l := range src.log() {
			if l == "bad#1" {
				tries++
			}
		}
		if tries != 8 {
			t.Errorf("%d requests for the bad chunk, want 8", tries)
		}
		if store.verifiedBytes() != 64*mib {
			t.Errorf("%d bytes stay verified, want all but the bad chunk's", store.verifiedBytes())
		}
	})
}

// What another attempt can't help ends the job at the first failure, with that
// failure, and cancels the other files.
func TestFill_EndsAtOnceOnWhatRetriesCannotHelp(t *testing.T) {
	t.Parallel()
	unknown := errors.New("never seen before")
	for _, failure := range []error{cachenode.ErrDenied, cachenode.ErrNotFound, cachenode.ErrChanged, cachenode.ErrNoSpace, cachenode.ErrDisk, unknown} {
		t.Run(failure.Error(), func(t *testing.T) {
			t.Parallel()
			for where, setup := range map[string]func(*origin, *disk){
				"open": func(o *origin, _ *disk) {
					o.script = func(q *request) error {
						if q.file.Path == "b" {
							return failure
						}
						q.body = hung{q.ctx}
						return nil
					}
				},
				"read": func(o *origin, _ *disk) {
					o.script = func(q *request) error {
						q.body = hung{q.ctx}
						if q.file.Path == "b" {
							q.body = iotest.ErrReader(failure)
						}
						return nil
					}
				},
				"write": func(_ *origin, d *disk) {
					d.write = func(cachenode.File, int64, cachenode.Placement) error { return failure }
				},
				"seal": func(_ *origin, d *disk) {
					d.seal = func(context.Context, cachenode.File) error { return failure }
				},
			} {
				synctest.Test(t, func(t *testing.T) {
					m, src, store := manifest(file("a", 3*mib, 1), file("b", 3*mib, 2), file("c", 3*mib, 3)), &origin{}, newDisk()
					setup(src, store)
					s := scheduler(t, fetch.Config{Buffers: 16 * mib})
					start := time.Now()
					err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m})
					if !errors.Is(err, failure) {
						t.Errorf("%s: error %v, want %v", where, err, failure)
					}
					if src.calls() > 3 || time.Since(start) != 0 {
						t.Errorf("%s: %d requests in %v, want 3 at most, at once", where, src.calls(), time.Since(start))
					}
					store.check(t)
				})
			}
		})
	}
}

// D5: a canceled job stops at once; what was verified stays and is not fetched again.
func TestFill_CancelKeepsWhatIsVerified(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("w", 64*mib, 1)), newDisk()
		src := &origin{script: func(q *request) error {
			if q.chunk() >= 2 && q.order < 4 {
				q.body = hung{q.ctx}
			}
			return nil
		}}
		s := scheduler(t, fetch.Config{Buffers: 16 * mib})
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- s.Fill(ctx, fetch.Job{Source: src, Store: store, Manifest: m}) }()
		synctest.Wait()
		start := time.Now()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("stopped after %v, want at once", took)
		}
		store.check(t)
		if got := store.verifiedBytes(); got != 32*mib {
			t.Errorf("%d bytes verified, want 32 MiB", got)
		}
		progress := new(fetch.Progress)
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m, Progress: progress}); err != nil {
			t.Fatal(err)
		}
		store.check(t)
		store.holds(t, m)
		if got := progress.Snapshot(); got.Cached != 32*mib || got.Fetched != 32*mib || src.calls() != 6 {
			t.Errorf("%+v after %d requests, want half from the cache and 6", got, src.calls())
		}
	})
}

// D5: Close ends jobs that are running and refuses new ones.
func TestClose_EndsRunningJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, store := manifest(file("w", 64*mib, 1)), newDisk()
		src := &origin{script: func(q *request) error { q.body = hung{q.ctx}; return nil }}
		s, err := fetch.New(fetch.Config{Buffers: 16 * mib})
		if err != nil {
			t.Fatal(err)
		}
		failed := make(chan error, 1)
		go func() { failed <- s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}) }()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); !errors.Is(err, context.Canceled) {
			t.Errorf("error after Close %v, want context.Canceled", err)
		}
		store.check(t)
	})
}

func TestNew_RefusesLessThanOneBuffer(t *testing.T) {
	t.Parallel()
	if _, err := fetch.New(fetch.Config{Buffers: mib}); !errors.Is(err, cachenode.ErrInvalid) {
		t.Errorf("error %v, want ErrInvalid", err)
	}
}

// The bandwidth cap holds for the node, whatever the number of connections.
func TestFill_StaysBelowBandwidth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, src, store := manifest(file("a", 40*mib, 1), file("b", 20*mib, 2)), &origin{}, newDisk()
		s := scheduler(t, fetch.Config{Buffers: 64 * mib, Bandwidth: mib})
		start := time.Now()
		if err := s.Fill(t.Context(), fetch.Job{Source: src, Store: store, Manifest: m}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 59*time.Second || took > 61*time.Second {
			t.Errorf("60 MiB at 1 MiB/s took %v", took)
		}
		if src.calls() != 5 {
			t.Errorf("%d requests, want 5", src.calls())
		}
	})
}
