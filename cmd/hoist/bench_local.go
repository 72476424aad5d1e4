// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/bench/local"
	"github.com/hoist-dev/hoist/bench/origin"
	"github.com/hoist-dev/hoist/bench/report"
	"github.com/hoist-dev/hoist/bench/result"
	"github.com/hoist-dev/hoist/cachenode/agent"
)

func newBenchLocal() *cobra.Command {
	size, connection := agent.Bytes(1<<30), agent.Bytes(85e6)
	var disk, gpu agent.Bytes
	var model, server, out string
	c := local.Config{Road: origin.Road{Latency: 20 * time.Millisecond}, Runs: 3}
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Measure cold starts on this machine, without a cluster",
		Long: `Measure cold starts on this machine, without a cluster.

A simulated inference server starts, again and again, from weights that an init container downloads, that Hoist downloads, that Hoist has
on the disk, and that are in memory. The bucket is an S3 server on loopback, as far away and as slow as --latency and --connection
say, or one of your own: --source s3://bucket/prefix/. Layouts: ` + strings.Join(local.ModelNames(), ", ") + `.

Needs four times --size of free disk, and no root. Interrupted, it removes what it made. In a checkout: make bench.`,
		Example: `  hoist bench local --model llama-3.1-8b --size 8GiB --runs 5 -o report.html
  hoist bench local --source s3://models/llama3-8b/ --scenario "storage initializer" --scenario "hoist, warm disk"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if c.Hoist, err = os.Executable(); err != nil {
				return err
			}
			if c.Source == "" {
				if c.Server, err = findServer(server, c.Hoist); err != nil {
					return err
				}
			}
			if c.Model, err = local.ModelNamed(model); err != nil {
				return &usageError{err}
			}
			if _, err := formatOf(out); err != nil {
				return err
			}
			c.Programs = []string{filepath.Join(filepath.Dir(c.Hoist), "peers")}
			c.Size, c.Road.Connection, c.Disk, c.GPU = int64(size), int64(connection), int64(disk), int64(gpu)
			c.Command, c.Version = "hoist "+quoted(os.Args[1:]), buildVersion()
			c.Step = func(step string) { _, _ = fmt.Fprintln(cmd.ErrOrStderr(), "• "+step) }
			found, err := local.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			return show(cmd, found, out)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&model, "model", "llama-3.1-8b", "the model whose number of files to take, and whose size where --size is 0")
	flags.Var(&size, "size", "bytes of the model; 0 is as large as it is")
	flags.StringVar(&c.Source, "source", "", "a model in a bucket of yours, as s3://bucket/prefix/; takes credentials as hoist get does")
	flags.IntVar(&c.Runs, "runs", c.Runs, "runs of each scenario, one of each in turn")
	flags.StringArrayVar(&c.Scenarios, "scenario", nil, "one of: "+strings.Join(local.Scenarios(), "; ")+". All when it is left out; may be repeated")
	flags.BoolVar(&c.Peers, "peers", false, "also measure what one would use instead, as far as it is installed: "+strings.Join(local.PeerScenarios(), "; "))
	flags.DurationVar(&c.Road.Latency, "latency", c.Road.Latency, "before each answer of the origin")
	flags.Var(&connection, "connection", "bytes a second of one connection to the origin; 0 is no limit")
	flags.Var(&disk, "disk", "bytes a second that the server loads from the disk, by a token bucket in it; 0 is no limit")
	flags.Var(&gpu, "gpu", "bytes a second that the server takes into VRAM; 0 is no limit")
	flags.DurationVar(&c.Startup, "startup", 0, "what the server's imports take")
	flags.StringVar(&server, "s3-server", "", "the versitygw binary; looked for in tools/ beside hoist, then in PATH")
	flags.StringVar(&c.Dir, "dir", "", "folder on the disk to use; the system's temporary folder if empty")
	flags.StringVarP(&out, "output", "o", "", "write a report to this file: .html, .md or .json; a .json is written beside the others")
	return cmd
}

// show prints a result, and writes it to a file if one is named.
func show(cmd *cobra.Command, r result.Result, path string) error {
	if err := report.Text(cmd.OutOrStdout(), r); err != nil || path == "" {
		return err
	}
	format, err := formatOf(path)
	if err != nil {
		return err
	}
	if format != "json" {
		beside := strings.TrimSuffix(path, filepath.Ext(path)) + ".json"
		if err := writeTo(beside, func(w io.Writer) error { return result.Write(w, r) }); err != nil {
			return err
		}
	}
	return writeTo(path, func(w io.Writer) error { return render(w, format, []result.Result{r}) })
}

func writeTo(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	return write(f)
}

// quoted are arguments as a shell takes them.
func quoted(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if strings.ContainsAny(a, " \t\"'$&|;<>()*?\\`") {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
