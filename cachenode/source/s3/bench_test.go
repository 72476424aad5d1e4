// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// BenchmarkOpen reads ranges of 16 MiB into a 4 MiB buffer over loopback. The CPU
// seconds are those of client and server together.
func BenchmarkOpen(b *testing.B) {
	const size = 1 << 40
	o := object{data: content(1 << 20)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var from, to int64
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, int64(size)))
		w.Header().Set("Content-Length", fmt.Sprint(to-from+1))
		w.WriteHeader(http.StatusPartialContent)
		for left := to - from + 1; left > 0; left -= int64(len(o.data)) {
			_, _ = w.Write(o.data[:min(left, int64(len(o.data)))])
		}
	}))
	defer server.Close()
	b.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	b.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	src, err := New(b.Context(), Config{Endpoint: server.URL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	f := cachenode.File{Size: size, Source: cachenode.Identity{Key: "k", ETag: `"e"`}}
	for _, n := range []int64{4096, cachenode.ChunkSize} {
		b.Run(fmt.Sprint(n, "-bytes"), func(b *testing.B) {
			buffer := make([]byte, min(4<<20, n))
			b.SetBytes(n)
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				body, err := src.Open(b.Context(), origin(src), f, cachenode.Range{Len: n})
				if err != nil {
					b.Fatal(err)
				}
				for left := n; left > 0; left -= int64(len(buffer)) {
					if _, err := io.ReadFull(body, buffer); err != nil {
						b.Fatal(err)
					}
				}
				_ = body.Close()
			}
			b.ReportMetric((cpu()-before)/(float64(b.N)*float64(n)/1e9), "cpu-s/GB")
		})
	}
}

// cpu is the CPU time of this process in seconds.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
