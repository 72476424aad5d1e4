// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/hoist-dev/hoist/bench/result"
)

const barWidth = 40

// glyphs of phases, in their order.
var glyphs = []string{"▓", "░", "█", "▒", "▞", "▚"}

// Text writes a table, and a bar for each scenario.
func Text(w io.Writer, r result.Result) error {
	names, all := phases(&r), rows(&r)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprint(table, "SCENARIO\tFIRST ANSWER\tSPREAD\tFASTER\t")
	for _, name := range names {
		fmt.Fprint(table, strings.ToUpper(name)+"\t")
	}
	fmt.Fprintln(table)
	var longest float64
	for _, line := range all {
		fmt.Fprintf(table, "%s\t%s s\t%s s\t%s\t", line.Name, line.Median, line.Spread, line.Ratio)
		var whole float64
		for _, seconds := range line.phases {
			fmt.Fprint(table, number(seconds)+"\t")
			whole += seconds
		}
		fmt.Fprintln(table, line.Doubt) // behind the last column, which it does not widen
		longest = max(longest, whole)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, line := range all {
		fmt.Fprintf(w, "%-22s ", line.Name)
		for i, seconds := range line.phases {
			fmt.Fprint(w, strings.Repeat(glyphs[i%len(glyphs)], int(seconds/longest*barWidth+0.5)))
		}
		fmt.Fprintln(w, " "+line.Median+" s")
	}
	fmt.Fprintf(w, "%22s", "")
	for i, name := range names {
		fmt.Fprint(w, " "+glyphs[i%len(glyphs)]+" "+name)
	}
	fmt.Fprintln(w)
	for _, line := range all {
		for _, p := range line.Proofs {
			if !p.OK {
				fmt.Fprintf(w, "%s was not what it claims: %s\n", line.Name, p.Text)
			}
		}
	}
	for _, n := range r.NotRun {
		fmt.Fprintf(w, "%s: not run: %s\n", n.Name, n.Reason)
	}
	return nil
}
