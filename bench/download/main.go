// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command download measures how fast, and at what cost, a model gets from an S3
// origin to a disk: hoist get beside the tools that people use today. Every tool
// runs as its own process against the same origin in the same run, interleaved,
// and what is reported is the median.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dustin/go-humanize"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench download:", err)
		os.Exit(1)
	}
}

// config is the command line.
type config struct {
	size  int64
	files int
	runs  int
	bin   string // where hoist, s5cmd and tmget are
	dir   string // the disk under test
	out   string // the Markdown file whose marked section is replaced
	only  []string
	cases string
}

func parse(args []string) (config, error) {
	c := config{}
	flags := flag.NewFlagSet("download", flag.ContinueOnError)
	size := flags.String("size", "4GiB", "bytes to download in each run")
	only := flags.String("tools", "", "comma-separated tools to run; all that are installed if empty")
	flags.IntVar(&c.files, "files", 30, "number of files in the many-files case")
	flags.IntVar(&c.runs, "runs", 5, "runs of each tool in each case")
	flags.StringVar(&c.bin, "bin", "bin", "folder of the hoist binary; peers are in its subfolder peers")
	flags.StringVar(&c.dir, "dir", ".", "folder on the disk under test; a folder of its own is made in it")
	flags.StringVar(&c.out, "out", "", "Markdown file whose download section is replaced; stdout only if empty")
	flags.StringVar(&c.cases, "cases", "", "run only cases whose name contains this")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	n, err := humanize.ParseBytes(*size)
	if err != nil {
		return c, fmt.Errorf("--size %q: %w", *size, err)
	}
	c.size = int64(n)
	if *only != "" {
		c.only = strings.Split(*only, ",")
	}
	c.bin, err = filepath.Abs(c.bin)
	return c, err
}

func run(ctx context.Context, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(c.dir, "hoist-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	tools := available(c)
	var results []result
	for _, one := range cases(c) {
		if !strings.Contains(one.name, c.cases) {
			continue
		}
		got, err := measureCase(ctx, c, one, tools, work)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		results = append(results, got...)
	}
	report := markdown(ctx, c, results, "go run ./bench/download "+strings.Join(args, " "))
	_, _ = fmt.Fprintln(os.Stdout, report)
	if c.out == "" {
		return nil
	}
	return replaceSection(c.out, report)
}
