// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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
as the first result's plot alone (svg), or, of one result, as JSON.`,
		Example: "  hoist bench report local.json cluster.json -o report.html\n  hoist bench report local.json --format md",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if format == "" {
				if format, err = formatOf(out); err != nil {
					return err
				}
			}
			if format == "json" && len(args) > 1 {
				return &usageError{fmt.Errorf("%d results are no one JSON document: name one, or have a report of all: html, md or text", len(args))}
			}
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
	cmd.Flags().StringVar(&format, "format", "", "html, md, text, svg or json; by the ending of --output, or else text, if not given")
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

// formatOf is the format that the ending of a file asks for; of no file it is text.
func formatOf(path string) (string, error) {
	switch ending := strings.TrimPrefix(filepath.Ext(path), "."); ending {
	case "html", "md", "svg", "json":
		return ending, nil
	case "txt":
		return "text", nil
	}
	if path == "" {
		return "text", nil
	}
	return "", &usageError{fmt.Errorf("%s ends in no format: .html, .md, .txt, .svg and .json are", path)}
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
		return result.Write(w, results[0])
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
