// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/bench/report"
	"github.com/hoist-dev/hoist/bench/result"
)

func newBenchReport() *cobra.Command {
	var out, format string
	cmd := &cobra.Command{
		Use:   "report RESULT.json...",
		Short: "Show what benchmarks have found",
		Long: `Show what benchmarks have found: as one page that needs no network and prints (html), as Markdown (md), as text,
as the first result's plot alone (svg), or as JSON.`,
		Example: "  hoist bench report local.json cluster.json --format html -o report.html",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var results []result.Result
			for _, path := range args {
				r, err := readResult(path)
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				results = append(results, r)
			}
			if out == "" {
				return render(cmd.OutOrStdout(), format, results)
			}
			return writeTo(out, func(w io.Writer) error { return render(w, format, results) })
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "html, md, text, svg or json")
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write; standard output if empty")
	return cmd
}

func readResult(path string) (result.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return result.Result{}, err
	}
	defer f.Close()
	return result.Read(f)
}

// render writes results in a format.
func render(w io.Writer, format string, results []result.Result) error {
	switch format {
	case "html":
		return report.HTML(w, results...)
	case "md":
		return report.Markdown(w, results...)
	case "svg":
		return report.Plot(w, results[0])
	case "json":
		for i := range results {
			if err := result.Write(w, results[i]); err != nil {
				return err
			}
		}
		return nil
	case "text":
		for i := range results {
			if err := report.Text(w, results[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return &usageError{fmt.Errorf("there is no format %q: html, md, text, svg and json are", format)}
}
