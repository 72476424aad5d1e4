// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command simserver is a simulated inference server: it loads a model as vLLM does, puts it into the VRAM of a simulated GPU, and
// answers as vLLM, TGI or SGLang do, without inference. It is for tests and benchmarks.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/hoist-dev/hoist/bench/simserver/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	os.Exit(program.Execute(ctx, os.Args[1:], os.Stderr))
}
