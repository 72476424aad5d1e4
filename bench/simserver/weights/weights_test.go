// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package weights_test

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/bench/simserver/weights"
	"github.com/hoist-dev/hoist/bench/synth"
)

// model writes a synthetic model of about 6 MB in three shards.
func model(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files, err := synth.Plan(synth.Options{Size: 6 << 20, Shard: 2 << 20, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		out, err := os.Create(filepath.Join(dir, file.Path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteTo(out); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// vram counts what is taken of each device.
type vram struct {
	mu    sync.Mutex
	taken map[int]int64
}

func (v *vram) Alloc(_ context.Context, device int, bytes int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.taken == nil {
		v.taken = map[int]int64{}
	}
	v.taken[device] += bytes
	return nil
}

func open(t *testing.T, dir string) weights.Model {
	t.Helper()
	m, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLoad_ReadsEveryTensorOnceInTheOrderOfTheFiles(t *testing.T) {
	t.Parallel()
	m := open(t, model(t))
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	var bytes int64
	for _, file := range m.Files {
		raw, err := os.Open(file.Path)
		if err != nil {
			t.Fatal(err)
		}
		for _, tensor := range file.Tensors {
			n, err := io.Copy(sum, io.NewSectionReader(raw, tensor.Offset, tensor.Size))
			if err != nil {
				t.Fatal(err)
			}
			bytes += n
		}
		_ = raw.Close()
	}
	got, err := m.Load(t.Context(), weights.Options{}, weights.NoVRAM{})
	if err != nil || got.CRC32C != sum.Sum32() || got.Bytes != bytes || bytes != m.Bytes || bytes < 5<<20 {
		t.Errorf("loaded %+v, %v; want %d bytes with %08x", got, err, bytes, sum.Sum32())
	}
	if !slices.IsSortedFunc(m.Files, func(a, b weights.File) int { return strings.Compare(a.Path, b.Path) }) || len(m.Files) < 3 {
		t.Errorf("%d files, or not in order", len(m.Files))
	}
}

func TestLoad_DevicesShareTheModel(t *testing.T) {
	t.Parallel()
	m, v := open(t, model(t)), new(vram)
	if _, err := m.Load(t.Context(), weights.Options{Devices: 3}, v); err != nil {
		t.Fatal(err)
	}
	if sum := v.taken[0] + v.taken[1] + v.taken[2]; sum != m.Bytes || v.taken[1] != v.taken[2] || v.taken[0] < v.taken[1] || v.taken[0]-v.taken[1] > 4096 {
		t.Errorf("3 devices took %v of %d bytes", v.taken, m.Bytes)
	}
}

func TestLoad_TakesAsLongAsTheTransferIntoVRAMDoes(t *testing.T) {
	t.Parallel()
	dir := model(t)
	synctest.Test(t, func(t *testing.T) {
		m, start := open(t, dir), time.Now()
		if _, err := m.Load(t.Context(), weights.Options{BytesPerSecond: 1 << 20}, weights.NoVRAM{}); err != nil {
			t.Fatal(err)
		}
		want := time.Duration(float64(m.Bytes) / (1 << 20) * float64(time.Second))
		if took := time.Since(start); took.Round(time.Millisecond) != want.Round(time.Millisecond) {
			t.Errorf("%d bytes at 1 MiB/s took %v, want %v", m.Bytes, took, want)
		}
	})
}

func TestLoad_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := model(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		start := time.Now()
		_, err := open(t, dir).Load(ctx, weights.Options{BytesPerSecond: 1}, weights.NoVRAM{})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("ended with %v after %v", err, time.Since(start))
		}
	})
}

// cutter cuts a file short while it is being loaded.
type cutter struct{ path string }

func (c cutter) Alloc(context.Context, int, int64) error { return os.Truncate(c.path, 4096) }

func TestLoad_AFileThatIsCutIsAnErrorAndNotTheEndOfTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files, err := synth.Plan(synth.Options{Size: 160 << 20, Shard: 200 << 20, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		out, err := os.Create(filepath.Join(dir, file.Path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteTo(out); err != nil {
			t.Fatal(err)
		}
		_ = out.Close()
	}
	m := open(t, dir)
	_, err = m.Load(t.Context(), weights.Options{}, cutter{m.Files[0].Path})
	if err == nil || !strings.Contains(err.Error(), "cut") || !strings.Contains(err.Error(), filepath.Base(m.Files[0].Path)) {
		t.Errorf("a file that was cut: %v", err)
	}
}

func TestOpen_RefusesWhatALoaderMustNotTake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, content, want string }{
		"nothing":          {"config.json", "{}", "no *.safetensors"},
		"outside":          {"model.safetensors.index.json", `{"weight_map":{"a":"../../etc/passwd"}}`, "no file beside it"},
		"missing":          {"model.safetensors.index.json", `{"weight_map":{"a":"gone.safetensors"}}`, "gone.safetensors"},
		"huge header":      {"a.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{}", "claims"},
		"header too short": {"a.safetensors", "\x00\x00", "too short"},
		"behind the end":   {"a.safetensors", "\x48\x00\x00\x00\x00\x00\x00\x00" + `{"a":{"dtype":"U8","shape":[1000000],"data_offsets":[0,1000000]}}       `, "cover"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := weights.Open(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}
