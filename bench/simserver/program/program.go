// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package program is the simulated inference server as a program, with its flags and its life.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/hoist-dev/hoist/bench/simserver/serve"
)

// Execute is the program with these arguments, until ctx ends. It returns the exit code.
func Execute(ctx context.Context, args []string, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = run(ctx, o, slog.New(slog.NewJSONHandler(stderr, nil)))
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "simserver (simulated):", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{Options: serve.Options{Dialect: serve.VLLM, Service: serve.ServiceTime{Mean: defaultService}}}
	flags := flag.NewFlagSet("simserver", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprint(stderr, `Usage: simserver --model FOLDER [flags]

A simulated inference server: it maps the safetensors files in FOLDER as vLLM's loader does, takes the VRAM of a simulated GPU for
them, and then answers with the endpoints and metrics of the server that --server names. There is no inference in it.

`)
		flags.PrintDefaults()
	}
	var vramGBps float64
	flags.StringVar(&o.dir, "model", "", "`folder` of the model")
	flags.StringVar(&o.Model, "served-model-name", "", "`name` that requests give; the folder's when it is left out")
	flags.Func("server", "vllm, tgi, sglang or ollama, which loads when it is asked first (default vllm)", func(s string) (err error) { o.Dialect, err = serve.ParseDialect(s); return err })
	flags.StringVar(&o.listen, "listen", "", "`address`; the port of the server that is simulated when it is left out")
	flags.Float64Var(&vramGBps, "vram-gbps", 0, "GB/s into VRAM, all GPUs together; 0 is as fast as the files can be read")
	flags.StringVar(&o.gpuSocket, "gpu-socket", "", "`socket` of the driver of simulated GPUs; empty is a computer without GPU")
	flags.IntVar(&o.tensorParallel, "tensor-parallel", 1, "GPUs that share the model")
	flags.Int64Var(&o.kvCacheBytes, "kv-cache-bytes", 0, "bytes that each GPU gives to the KV cache once the weights are there")
	flags.DurationVar(&o.startupDelay, "startup-delay", 0, "time before the load begins, as imports take it")
	flags.StringVar(&o.expectCRC, "expect-crc32c", "", "CRC-32C of all tensors in `hex`: anything else ends the server")
	flags.IntVar(&o.Concurrency, "concurrency", 8, "requests at a time; the rest waits")
	flags.IntVar(&o.MaxQueue, "max-queue", 0, "requests that may wait; 0 is without limit")
	flags.Uint64Var(&o.Seed, "seed", 0, "of the times that are drawn")
	flags.Func("service-time", "how long a request takes: 200ms, or exp:200ms for an exponential distribution (default 200ms)",
		func(s string) (err error) { o.Service, err = serve.ParseServiceTime(s); return err })
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.dir == "" || flags.NArg() > 0 {
		return o, errors.New("name the folder of a model with --model; --help says more")
	}
	if vramGBps < 0 || o.tensorParallel < 1 || o.Concurrency < 1 || o.kvCacheBytes < 0 {
		return o, errors.New("--vram-gbps and --kv-cache-bytes can't be negative, --tensor-parallel and --concurrency are at least 1")
	}
	o.bytesPerSecond = int64(vramGBps * 1e9)
	return o, nil
}
