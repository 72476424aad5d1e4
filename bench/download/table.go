// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
)

// The markers around the section that a run replaces.
const (
	begin = "<!-- download: begin, written by make bench-download -->"
	end   = "<!-- download: end -->"
)

// markdown is the report: a table a case, fastest first.
func markdown(ctx context.Context, c config, results []result, command string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", begin)
	fmt.Fprintf(&b, "%s a run, medians of %d interleaved runs, %d CPUs (the origin runs on them too), %s.\n\n`%s`\n",
		humanize.IBytes(uint64(c.size)), c.runs, runtime.NumCPU(), kernel(ctx), command)
	for group := range chunkBy(results) {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", group[0].scene.name, group[0].scene.about)
		b.WriteString("| tool | GB/s | seconds | against hoist | CPU s/GB | peak RSS | setting |\n|---|---:|---:|---:|---:|---:|---|\n")
		for _, r := range ranked(group) {
			b.WriteString(r.line(hoistWall(group)))
		}
	}
	fmt.Fprintf(&b, "\n%s", end)
	return b.String()
}

func (r result) line(hoist float64) string {
	if r.err != nil {
		return fmt.Sprintf("| %s | - | - | - | - | - | failed: %s |\n", r.tool.name, strings.ReplaceAll(r.err.Error(), "|", "/"))
	}
	gb := float64(r.scene.size) / 1e9
	wall := median(r.samples, func(s sample) float64 { return s.wall.Seconds() })
	return fmt.Sprintf("| %s | %.2f | %.2f | %.2f× | %.2f | %s | %s |\n", r.tool.name, gb/wall, wall, wall/hoist,
		median(r.samples, func(s sample) float64 { return s.cpu.Seconds() })/gb,
		humanize.IBytes(uint64(median(r.samples, func(s sample) float64 { return float64(s.maxRSS) }))), r.tool.note)
}

func hoistWall(group []result) float64 {
	for _, r := range group {
		if r.tool.name == hoist && len(r.samples) > 0 {
			return median(r.samples, func(s sample) float64 { return s.wall.Seconds() })
		}
	}
	return 1
}

func ranked(group []result) []result {
	return slices.SortedFunc(slices.Values(group), func(a, b result) int {
		wall := func(r result) float64 { return median(r.samples, func(s sample) float64 { return s.wall.Seconds() }) }
		return cmp.Compare(wall(a), wall(b))
	})
}

// chunkBy yields the results of one case at a time.
func chunkBy(results []result) func(func([]result) bool) {
	return func(yield func([]result) bool) {
		for len(results) > 0 {
			n := 1
			for n < len(results) && results[n].scene.name == results[0].scene.name {
				n++
			}
			if !yield(results[:n]) {
				return
			}
			results = results[n:]
		}
	}
}

// median of no samples is +infinity: what was not measured comes last.
func median(samples []sample, of func(sample) float64) float64 {
	if len(samples) == 0 {
		return 1e300
	}
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return (values[len(values)/2] + values[(len(values)-1)/2]) / 2
}

func kernel(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "uname", "-sr").Output()
	if err != nil {
		return runtime.GOOS
	}
	return strings.TrimSpace(string(out))
}

// replaceSection puts report where the markers are in the file at path.
func replaceSection(path, report string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(old, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		return fmt.Errorf("%s has no section marked %q", path, begin)
	}
	return os.WriteFile(path, slices.Concat(before, []byte(report), after), 0o644)
}
