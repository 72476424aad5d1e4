// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/bench/report"
	"github.com/hoist-dev/hoist/bench/result"
)

// doubtful is a result with a run that was not what it claims, and a scenario that was not run.
func doubtful() result.Result {
	run := func(ok bool) result.Run {
		return result.Run{Seconds: 2, Started: time.Unix(0, 0), Phases: []result.Phase{{Name: "load weights", Seconds: 2}}, Proof: []result.Proof{{Name: "bytes from the origin", Want: "0", OK: ok}}}
	}
	return result.Result{Version: result.Version, Kind: result.Cluster, Scenarios: []result.Scenario{
		{Name: "cached", What: "On the disk.", Baseline: true, Runs: []result.Run{run(true), run(true), run(true)}},
		{Name: "prewarmed", What: "In memory.", Runs: []result.Run{run(true), run(false), run(true)}},
	}, NotRun: []result.NotRun{{Name: "uncached", Reason: "Prefetch everywhere keeps copies: delete it first"}}}
}

var formats = map[string]func(io.Writer, result.Result) error{
	"html": func(w io.Writer, r result.Result) error { return report.HTML(w, r) },
	"md":   func(w io.Writer, r result.Result) error { return report.Markdown(w, r) },
	"text": report.Text,
}

func shown(t *testing.T, format string) string {
	t.Helper()
	var out strings.Builder
	if err := formats[format](&out, doubtful()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReport_SaysWhatWasNotRunAndWhy(t *testing.T) {
	t.Parallel()
	for format := range formats {
		if page := shown(t, format); !strings.Contains(page, "uncached") || !strings.Contains(page, "not run: Prefetch everywhere keeps copies: delete it first") {
			t.Errorf("as %s it does not say why uncached was not run:\n%s", format, page)
		}
	}
}

// Numbers of runs that were not what they claim are in medians: the row of the table itself says so, and no other.
func TestReport_MarksTheRowsOfRunsThatWereNotWhatTheyClaim(t *testing.T) {
	t.Parallel()
	const row, doubt = "2.00 to 2.00", "1 of 3 runs were not what they claim" // the spread is in the rows of the table alone
	for format := range formats {
		rows := 0
		for line := range strings.Lines(shown(t, format)) {
			if !strings.Contains(line, row) {
				continue
			}
			rows++
			if strings.Contains(line, doubt) != strings.Contains(line, "prewarmed") {
				t.Errorf("as %s a row is %q", format, line)
			}
		}
		if rows != 2 {
			t.Errorf("as %s the table has %d rows of scenarios, want 2", format, rows)
		}
	}
}
