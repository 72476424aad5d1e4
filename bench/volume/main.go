// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command volume measures how long a model takes from a JuiceFS volume to a folder: by
// hoist get, by juicefs sync, and by juicefs warmup and a read of the mount, one after the
// other, several times. It needs the juicefs program, root for the mount, and a hoist that
// was built with cgo where the metadata is SQLite.
//
//	go run ./bench/volume -hoist bin/hoist -juicefs juicefs [-meta redis://127.0.0.1:6379/1] [-size 4096]
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	var b bench
	flag.StringVar(&b.hoist, "hoist", "bin/hoist", "the hoist program")
	flag.StringVar(&b.juicefs, "juicefs", "juicefs", "the juicefs program")
	flag.StringVar(&b.meta, "meta", "", "metadata URL of an empty database; SQLite in the work folder if not given")
	flag.StringVar(&b.dir, "work", "", "work folder; a temporary one if not given")
	flag.IntVar(&b.mib, "size", 4096, "size of the model in MiB")
	flag.IntVar(&b.runs, "runs", 5, "runs of each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := b.run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "volume:", err)
		os.Exit(1)
	}
}

type bench struct {
	hoist, juicefs, meta, dir string
	mib, runs                 int
}

const files = 4

// way is one way for the model to come here.
type way struct {
	name, note string
	commands   func() [][]string
	times      []time.Duration
	rss        []int64 // KiB
}

func (b *bench) run(ctx context.Context, w io.Writer) error {
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "hoist-volume-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		b.dir = dir
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	defer func() { _ = b.command(context.WithoutCancel(ctx), b.juicefs, "umount", b.path("mnt")).Run() }()
	ways := []*way{
		{name: "hoist get", note: "fsynced, resumable", commands: func() [][]string {
			return [][]string{{b.hoist, "get", "--quiet", "juicefs://bench/m/", b.path("target")}}
		}},
		{name: "juicefs sync", note: "its default of 10 threads; the bytes are in memory when it ends", commands: func() [][]string {
			return [][]string{{b.juicefs, "sync", "--quiet", "jfs://bench/m/", b.path("target") + "/"}}
		}},
		{name: "juicefs sync, then sync -f", note: "as durable as hoist get", commands: func() [][]string {
			return [][]string{{b.juicefs, "sync", "--quiet", "jfs://bench/m/", b.path("target") + "/"}, {"sync", "-f", b.path("target")}}
		}},
		{name: "juicefs warmup, then a read", note: "warmup alone puts the blocks into its cache; the read is one cat", commands: func() [][]string {
			return [][]string{{b.juicefs, "warmup", "--quiet", b.path("mnt/m")}, {"sh", "-c", "cat " + b.path("mnt/m") + "/* >/dev/null"}}
		}},
	}
	for range b.runs {
		for _, way := range ways {
			if err := b.measure(ctx, way); err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
		}
	}
	return b.table(w, ways)
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// fill formats the volume and writes the model into it, with juicefs alone.
func (b *bench) fill(ctx context.Context) error {
	if b.meta == "" {
		b.meta = "sqlite3://" + b.path("meta.db")
	}
	if err := os.MkdirAll(b.path("model"), 0o700); err != nil {
		return err
	}
	for i := range files {
		f, err := os.Create(b.path(fmt.Sprintf("model/model-%05d.dat", i)))
		if err != nil {
			return err
		}
		if _, err := io.CopyN(f, rand.Reader, int64(b.mib)<<20/files); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{b.juicefs, "format", "--quiet", "--storage", "file", "--bucket", b.path("blocks") + "/", "--trash-days", "0", b.meta, "bench"},
		{b.juicefs, "sync", "--quiet", b.path("model") + "/", "jfs://bench/m/"},
		{"rm", "-rf", b.path("model")},
	} {
		if out, err := b.command(ctx, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(args[:2], " "), err, out)
		}
	}
	return nil
}

func (b *bench) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "bench="+b.meta, "JUICEFS_META_URL="+b.meta)
	return cmd
}

// measure runs one way once, with nothing in any cache.
func (b *bench) measure(ctx context.Context, way *way) error {
	_ = b.command(ctx, b.juicefs, "umount", b.path("mnt")).Run() // it may not be mounted
	for _, dir := range []string{"target", "cache"} {
		if err := os.RemoveAll(b.path(dir)); err != nil {
			return err
		}
	}
	if strings.Contains(way.name, "warmup") {
		if out, err := b.command(ctx, b.juicefs, "mount", "-d", "--no-usage-report", "--cache-dir", b.path("cache"), b.meta, b.path("mnt")).CombinedOutput(); err != nil {
			return fmt.Errorf("mount: %w\n%s", err, out)
		}
	}
	syscall.Sync()
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0o200); err != nil {
		return err
	}
	began, most := time.Now(), int64(0)
	for _, args := range way.commands() {
		cmd := b.command(ctx, args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			most = max(most, usage.Maxrss)
		}
	}
	way.times, way.rss = append(way.times, time.Since(began)), append(way.rss, most)
	return nil
}

func (b *bench) table(w io.Writer, ways []*way) error {
	engine, _, _ := strings.Cut(b.meta, "://")
	var text strings.Builder
	fmt.Fprintf(&text, "%d MiB in %d files, metadata in %s, blocks in a folder, medians of %d interleaved runs.\n\n| tool | seconds | GB/s | least and most | peak RSS | |\n|---|---:|---:|---:|---:|---|\n", b.mib, files, engine, b.runs)
	for _, way := range ways {
		slices.Sort(way.times)
		slices.Sort(way.rss)
		median := way.times[len(way.times)/2].Seconds()
		fmt.Fprintf(&text, "| %s | %.2f | %.2f | %.2f to %.2f | %d MiB | %s |\n", way.name, median, float64(b.mib)*(1<<20)/1e9/median,
			way.times[0].Seconds(), way.times[len(way.times)-1].Seconds(), way.rss[len(way.rss)/2]>>10, way.note)
	}
	_, err := io.WriteString(w, text.String())
	return err
}
