// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command scale replays arrival traces against autoscaling policies, side by side, in a simulation: how many requests wait
// for how long, and what that costs, with cold starts with and without Hoist. Two cores or one, a minute or two; nothing is measured on a
// cluster, and the same input gives the same output.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench scale:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.SetOutput(stderr)
	traces := flags.String("traces", "", "folder of recorded traces: Azure's or BurstGPT's .csv, Mooncake's .jsonl")
	out := flags.String("out", "", "Markdown file whose section is replaced; stdout if empty")
	images := flags.String("images", "", "folder for the plots; none if empty")
	seed := flags.Uint64("seed", 11, "of the synthetic loads")
	only := flags.String("loads", "", "replay only loads whose name contains this")
	if err := flags.Parse(args); err != nil {
		return err
	}
	loads, err := recorded(*traces)
	if err != nil {
		return err
	}
	if len(loads) == 0 {
		fmt.Fprintf(stderr, "no recorded traces in %q: only synthetic ones are replayed\n", *traces)
	}
	loads = append(loads, synthetic(*seed)...)
	var outcomes []outcome
	for _, l := range loads {
		if strings.Contains(l.name, *only) {
			outcomes = append(outcomes, replay(l, stderr))
		}
	}
	return report(outcomes, *out, *images, stdout)
}
