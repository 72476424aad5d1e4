// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/hoist-dev/hoist/bench/result"
)

// Markdown writes what HTML does, but for the plots.
func Markdown(w io.Writer, results ...result.Result) error {
	var b strings.Builder
	for i := range results {
		markdown(&b, &results[i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdown(b *strings.Builder, r *result.Result) {
	fmt.Fprintf(b, "### %s\n\n`%s`\n\n%s\n\n", title(r), r.Command, strings.Join(headline(r), " "))
	b.WriteString("| scenario | runs | weights loaded, s | first answer, s | spread, s | faster | added by Hoist, s |")
	names := phases(r)
	for _, name := range names {
		b.WriteString(" " + name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", 6+len(names)) + "\n")
	all := rows(r)
	for _, line := range all {
		name := line.Name
		if line.Doubt != "" {
			name += " (" + line.Doubt + ")"
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s | %s | %s |", name, line.Runs, line.Weights, line.Median, line.Spread, line.Ratio, line.Own)
		for _, seconds := range line.phases {
			b.WriteString(" " + number(seconds) + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for _, line := range all {
		fmt.Fprintf(b, "- **%s**: %s", line.Name, line.What)
		if line.Tool != "" {
			fmt.Fprintf(b, " %s: `%s`.", line.Tool, strings.Join(line.Command, " "))
		}
		for _, p := range line.Proofs {
			b.WriteString(" " + strings.ToUpper(p.Text[:1]) + p.Text[1:] + ".")
		}
		b.WriteString("\n")
	}
	for _, n := range r.NotRun {
		fmt.Fprintf(b, "- **%s**: not run: %s\n", n.Name, n.Reason)
	}
	fmt.Fprintf(b, "\n%s. %s.", r.Made.Format("2006-01-02"), machine(&r.Machine))
	for _, s := range r.Settings {
		fmt.Fprintf(b, " %s: %s.", strings.ToUpper(s.Name[:1])+s.Name[1:], s.Value)
	}
	for _, note := range r.Notes {
		b.WriteString(" " + note)
	}
	b.WriteString("\n")
}
