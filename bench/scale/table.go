// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/policy"
)

// write puts an outcome into Markdown.
func (o *outcome) write(w io.Writer) {
	fmt.Fprintf(w, "### %s\n\n%s. %d slots a replica, at most %d replicas.\n", o.name, sentence(o.about), o.slots, o.max)
	for _, cold := range coldStarts {
		fmt.Fprintf(w, "\nCold start %.0f s, %d requests in %.0f h:\n\n", cold.Seconds(), o.rows[cold][0].Requests, (o.until - o.from).Hours())
		fmt.Fprint(w, "| policy | waited > 10 s | wait p50 | p95 | p99 | GPU hours | scale changes |\n|---|---:|---:|---:|---:|---:|---:|\n")
		for _, r := range o.rows[cold] {
			fmt.Fprintf(w, "| %s | %.3f %% | %s | %s | %s | %.1f | %d |\n",
				r.policy, 100*r.Slow, wait(r.P50), wait(r.P95), wait(r.P99), r.GPUHours, r.Changes)
		}
	}
	o.writeScore(w)
}

func (o *outcome) writeScore(w io.Writer) {
	if o.score.minutes == 0 {
		fmt.Fprintf(w, "\n%s, so that what Hoist does is reactive.\n\n", sentence(o.noForecast.Error()))
		return
	}
	fmt.Fprint(w, "\n| forecast, ahead | P90 covers | pinball loss | of seasonal naive's |\n|---|---:|---:|---:|\n")
	for i, horizon := range horizons {
		fmt.Fprintf(w, "| %.0f min | %.1f %% | %.4f | %.2f |\n",
			horizon.Minutes(), 100*o.score.coverage[i], o.score.pinball[i], o.score.pinball[i]/o.score.naive[i])
	}
	fmt.Fprintln(w)
}

// writeGoals puts the comparisons that the goals are about into one table.
func writeGoals(w io.Writer, outcomes []outcome) {
	fmt.Fprint(w, "| load | cold start | waited > 10 s: KEDA in-flight, reactive, forecast, oracle | of reactive's, forecast spares | who knows the season "+
		"| GPU hours, forecast to reactive | forecast to KEDA in-flight |\n|---|---:|---|---:|---:|---:|---:|\n")
	for _, o := range outcomes {
		for _, cold := range coldStarts {
			k, r, f, oracle := o.row(cold, policy.InFlightKEDA), o.row(cold, policy.Reactive), o.row(cold, policy.Forecast), o.row(cold, policy.Oracle)
			most := "unknown"
			if o.season != nil {
				most = spared(r.Slow, o.row(cold, policy.Season).Slow)
			}
			fmt.Fprintf(w, "| %s | %.0f s | %.3f, %.3f, %.3f, %.3f %% | %s | %s | %+.1f %% | %+.1f %% |\n", o.name, cold.Seconds(),
				100*k.Slow, 100*r.Slow, 100*f.Slow, 100*oracle.Slow, spared(r.Slow, f.Slow), most, 100*(f.GPUHours/r.GPUHours-1), 100*(f.GPUHours/k.GPUHours-1))
		}
	}
	fmt.Fprintln(w)
}

func spared(before, after float64) string {
	if before == 0 {
		return "none to spare"
	}
	return fmt.Sprintf("%.0f %%", 100*(1-after/before))
}

func wait(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return string(s[0]&^0x20) + s[1:]
}
