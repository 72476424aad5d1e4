// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hoist-dev/hoist/bench/simserver/serve"
	"github.com/hoist-dev/hoist/bench/simserver/weights"
)

const (
	defaultService = 200 * time.Millisecond
	drainFor       = 25 * time.Second // Kubernetes kills after 30 s
)

type options struct {
	serve.Options
	dir            string
	listen         string
	bytesPerSecond int64
	gpuSocket      string
	tensorParallel int
	kvCacheBytes   int64
	startupDelay   time.Duration
	expectCRC      string
}

// port is where the server that is simulated listens by default.
func port(d serve.Dialect) int {
	switch d {
	case serve.TGI:
		return 3000
	case serve.SGLang:
		return 30000
	case serve.Ollama:
		return 11434
	case serve.VLLM:
	}
	return 8000
}

// opensLate reports whether the port opens only when the weights are loaded.
func opensLate(d serve.Dialect) bool { return d == serve.VLLM }

func (o *options) setDefaults() {
	if o.Model == "" {
		o.Model = filepath.Base(o.dir)
	}
	if o.listen == "" {
		o.listen = fmt.Sprintf(":%d", port(o.Dialect))
	}
}

// run loads and serves until ctx ends, then drains.
func run(ctx context.Context, o options, log *slog.Logger) error {
	o.setDefaults()
	start := time.Now()
	server := serve.New(o.Options)
	group, ctx := errgroup.WithContext(ctx)
	open := func() { group.Go(func() error { return listen(ctx, o.listen, server, log) }) }
	if !opensLate(o.Dialect) {
		open()
	}
	if o.Dialect == serve.Ollama {
		select {
		case <-server.Asked():
		case <-ctx.Done():
			return group.Wait()
		}
		start = time.Now()
	}
	release, err := load(ctx, o, server, log)
	if err != nil {
		if ctx.Err() != nil {
			return errors.Join(group.Wait(), release())
		}
		return errors.Join(err, release())
	}
	server.Phase("ready", time.Since(start).Seconds())
	server.Ready()
	log.Info("ready", "simulated", string(o.Dialect), "model", o.Model, "seconds", time.Since(start).Seconds())
	if opensLate(o.Dialect) {
		open()
	}
	return errors.Join(group.Wait(), release())
}

// load takes the model into VRAM, which release gives back.
func load(ctx context.Context, o options, server *serve.Server, log *slog.Logger) (release func() error, err error) {
	release = func() error { return nil }
	phase := func(name string, do func() error) error {
		start := time.Now()
		err := do()
		seconds := time.Since(start).Seconds()
		server.Phase(name, seconds)
		log.Info("phase", "name", name, "seconds", seconds)
		return err
	}
	if err := phase("imports", func() error { return wait(ctx, o.startupDelay) }); err != nil {
		return release, err
	}
	var model weights.Model
	if err := phase("headers", func() (err error) { model, err = weights.Open(o.dir); return err }); err != nil {
		return release, err
	}
	var vram weights.VRAM = weights.NoVRAM{}
	if o.gpuSocket != "" {
		gpus, err := weights.OpenGPUs(ctx, o.gpuSocket, os.Getenv("NVIDIA_VISIBLE_DEVICES"))
		if err != nil {
			return release, err
		}
		vram, release = gpus, gpus.Close
	}
	return release, phase("weights", func() error { return o.fill(ctx, model, vram, log) })
}

func (o options) fill(ctx context.Context, model weights.Model, vram weights.VRAM, log *slog.Logger) error {
	result, err := model.Load(ctx, weights.Options{Devices: o.tensorParallel, BytesPerSecond: o.bytesPerSecond}, vram)
	if err != nil {
		return err
	}
	crc := fmt.Sprintf("%08x", result.CRC32C)
	log.Info("weights loaded", "bytes", result.Bytes, "crc32c", crc)
	if o.expectCRC != "" && o.expectCRC != crc {
		return fmt.Errorf("the CRC-32C of all tensors is %s, expected was %s: these are other weights", crc, o.expectCRC)
	}
	if o.kvCacheBytes == 0 {
		return nil
	}
	for device := range o.tensorParallel {
		if err := vram.Alloc(ctx, device, o.kvCacheBytes); err != nil {
			return fmt.Errorf("take the KV cache: %w", err)
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func listen(ctx context.Context, address string, s *serve.Server, log *slog.Logger) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	log.Info("listening", "address", listener.Addr().String())
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	defer cancel()
	return errors.Join(s.Drain(ctx), server.Shutdown(ctx))
}
