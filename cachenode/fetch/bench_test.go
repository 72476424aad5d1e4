// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// void is a Source of zeros and a Store that throws them away: what remains is the
// engine and its checksums.
type void struct{ cachenode.Source }

func (void) Open(_ context.Context, _ cachenode.Origin, _ cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	return &zeros{r.Len}, nil
}

type zeros struct{ left int64 }

// Read hands out 64 KiB at a time, as a socket would, without touching p.
func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), z.left, 64*kib)
	if z.left -= n; n == 0 {
		return 0, io.EOF
	}
	return int(n), nil
}

func (*zeros) Close() error { return nil }

func (void) Begin(context.Context, cachenode.Manifest) (cachenode.Filling, error) {
	return voidFilling{}, nil
}

type voidFilling struct{}

func (voidFilling) Ingest(context.Context, cachenode.File) (cachenode.Ingest, error) {
	return voidIngest{}, nil
}
func (voidFilling) Publish(context.Context) error { return nil }
func (voidFilling) End()                          {}

type voidIngest struct{}

func (voidIngest) ReadAt([]byte, int64) (int, error)              { return 0, io.EOF }
func (voidIngest) Write([]byte, int64, cachenode.Placement) error { return nil }
func (voidIngest) Verified(int) (uint32, bool)                    { return 0, false }
func (voidIngest) MarkVerified(int, uint32) error                 { return nil }
func (voidIngest) Forget(int) error                               { return nil }
func (voidIngest) Seal(context.Context) error                     { return nil }
func (voidIngest) Close(bool) error                               { return nil }

// BenchmarkFill is what the engine itself costs, in CPU seconds per GB, with one
// object and with small files.
func BenchmarkFill(b *testing.B) {
	const total = 4 << 30
	for name, files := range map[string]int{"1 file": 1, "30 files": 30, "10000 files": 10_000} {
		b.Run(name, func(b *testing.B) {
			var list []cachenode.File
			for i := range files {
				f := file(fmt.Sprint(i), 0, uint64(i))
				f.Size, f.Source.Checksum = total/int64(files), cachenode.Checksum{}
				list = append(list, f)
			}
			m := manifest(list...)
			s := scheduler(b, fetch.Config{})
			b.SetBytes(m.Bytes())
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				if err := s.Fill(b.Context(), fetch.Job{Source: void{}, Store: void{}, Manifest: m}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpu()-before).Seconds()/float64(b.N)/(float64(m.Bytes())/1e9), "cpu-s/GB")
		})
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// No allocation per piece: a file of a hundred chunks costs a few small ones per
// request, and as many for large chunks as for small ones.
//
//nolint:paralleltest // it counts the allocations of the process
func TestFill_AllocatesNothingPerPiece(t *testing.T) {
	s := scheduler(t, fetch.Config{Buffers: 32 * mib})
	allocations := func(lastPieces int64) float64 {
		const chunks = 64
		f := file("a", 0, 1)
		f.Source.Checksum = cachenode.Checksum{}
		f.Size = (chunks-1)*cachenode.ChunkSize + lastPieces*4*mib
		m := manifest(f)
		return testing.AllocsPerRun(5, func() {
			if err := s.Fill(t.Context(), fetch.Job{Source: void{}, Store: void{}, Manifest: m}); err != nil {
				t.Fatal(err)
			}
		}) / chunks
	}
	if got := allocations(4); got > 40 {
		t.Errorf("%.1f allocations per chunk of four pieces, want a fixed few per request", got)
	} else {
		t.Logf("%.1f allocations per chunk", got)
	}
}
