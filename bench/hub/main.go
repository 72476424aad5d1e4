// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command hub measures hoist get from a stand-in for the Hugging Face Hub on loopback, beside hoist get of the same bytes from a
// server that speaks S3 and does as little: what the protocols cost, and verifying each with the hash that it has.
//
//	go run ./bench/hub -hoist bin/hoist [-size 4096] [-runs 5]
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/minio/crc64nvme"

	"github.com/hoist-dev/hoist/test/hubtest"
)

func main() {
	hoist := flag.String("hoist", "bin/hoist", "the hoist program")
	mib := flag.Int64("size", 4096, "size of the model in MiB")
	runs := flag.Int("runs", 5, "runs of each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *hoist, *mib<<20, *runs)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hub:", err)
		os.Exit(1)
	}
}

// pattern is a file of one random block over and over.
type pattern struct{ block []byte }

// ReadAt implements [io.ReaderAt].
func (f pattern) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		n += copy(p[n:], f.block[(off+int64(n))%int64(len(f.block)):])
	}
	return len(p), nil
}

func run(ctx context.Context, w io.Writer, hoist string, size int64, runs int) error {
	block := make([]byte, 1<<20)
	if _, err := rand.Read(block); err != nil {
		return err
	}
	content := hubtest.Content{ReaderAt: pattern{block}, Size: size}
	hub := hubtest.New()
	defer hub.Close()
	hub.Put("o/r", "model.dat", content, true)
	bucket := httptest.NewServer(store(content))
	defer bucket.Close()
	dir, err := os.MkdirTemp("", "hoist-hub-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	times := map[string][]time.Duration{}
	uris := []string{"s3://models/m/", "hf://o/r"}
	for range runs {
		for _, uri := range uris {
			if err := os.RemoveAll(filepath.Join(dir, "m")); err != nil {
				return err
			}
			syscall.Sync()
			cmd := exec.CommandContext(ctx, hoist, "get", "--quiet", uri, filepath.Join(dir, "m"))
			cmd.Env = append(os.Environ(), "HF_ENDPOINT="+hub.URL(), "AWS_ENDPOINT_URL_S3="+bucket.URL, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret")
			began := time.Now()
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w\n%s", uri, err, out)
			}
			times[uri] = append(times[uri], time.Since(began))
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d MiB in one file, medians of %d interleaved runs.\n\n| from | seconds | GB/s | least and most | verified with |\n|---|---:|---:|---:|---|\n", size>>20, runs)
	for i, uri := range uris {
		slices.Sort(times[uri])
		median := times[uri][runs/2].Seconds()
		fmt.Fprintf(&text, "| %s | %.2f | %.2f | %.2f to %.2f | %s |\n", uri, median, float64(size)/1e9/median, times[uri][0].Seconds(), times[uri][runs-1].Seconds(), []string{"CRC64NVME", "SHA-256"}[i])
	}
	_, err = io.WriteString(w, text.String())
	return err
}

// store is a bucket of one object, m/model.dat, with the checksum that S3 has by default.
func store(content hubtest.Content) http.Handler {
	sum := crc64nvme.New()
	if _, err := io.Copy(sum, io.NewSectionReader(content, 0, content.Size)); err != nil {
		panic(err)
	}
	checksum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, sum.Sum64()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("list-type") == "2" {
			fmt.Fprintf(w, "<ListBucketResult><Contents><Key>m/model.dat</Key><Size>%d</Size></Contents></ListBucketResult>", content.Size)
			return
		}
		if !strings.HasSuffix(r.URL.Path, "/m/model.dat") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("X-Amz-Checksum-Crc64nvme", checksum)
		w.Header().Set("X-Amz-Checksum-Type", "FULL_OBJECT")
		http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(content, 0, content.Size))
	})
}
