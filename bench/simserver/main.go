// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command simserver is a simulated inference server: it loads a model as vLLM does, puts it into the VRAM of a simulated GPU, and
// answers as vLLM, TGI or SGLang do, without inference. It is for tests and benchmarks.
//
// simserver download BUCKET PREFIX FOLDER is the init container that such servers have without Hoist.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hoist-dev/hoist/bench/initializer"
	"github.com/hoist-dev/hoist/bench/simserver/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	if len(os.Args) == 5 && os.Args[1] == "download" {
		os.Exit(download(ctx, os.Args[2], os.Args[3], os.Args[4]))
	}
	os.Exit(program.Execute(ctx, os.Args[1:], os.Stderr))
}

// download downloads a model as a storage initializer does, with the credentials and the endpoint of the environment.
func download(ctx context.Context, bucket, prefix, folder string) (code int) {
	loaded, err := config.LoadDefaultConfig(ctx)
	if err == nil {
		client := s3.NewFromConfig(loaded, func(o *s3.Options) { o.UsePathStyle = true })
		_, err = initializer.Download(ctx, client, bucket, prefix, folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "download (as a storage initializer):", err)
		return 1
	}
	return 0
}
