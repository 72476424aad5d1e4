// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/hoist-dev/hoist/bench/result"
)

// row is what is said of a scenario in a table.
type row struct {
	Name, What, Tool string
	Command          []string
	Runs             int
	Median           string // seconds
	Spread           string // from the fastest run to the slowest
	Weights          string // seconds until the weights were loaded, median
	Own              string // seconds that Hoist adds, median
	Ratio            string // how many times faster than the baseline
	Proofs           []proof
	Doubt            string    // in how many runs a proof failed, in words; "" in none
	phases           []float64 // seconds of each phase of the result, medians
	typical          *result.Run
}

// proof is a claim that held in all runs, or in how many it did not.
type proof struct {
	Text string
	OK   bool
}

// answer is the last phase of every run: what comes after the weights.
const answer = "first answer"

func rows(r *result.Result) []row {
	var base float64
	for i := range r.Scenarios {
		if r.Scenarios[i].Baseline {
			base = result.Median(r.Scenarios[i].Seconds())
		}
	}
	names := phases(r)
	var all []row
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		if len(s.Runs) == 0 {
			continue
		}
		seconds := s.Seconds()
		median := result.Median(seconds)
		line := row{Name: s.Name, What: s.What, Tool: s.Tool, Command: s.Command, Runs: len(s.Runs), Median: number(median), Proofs: proofs(s), Doubt: doubt(s), typical: s.Typical(),
			Spread: number(slices.Min(seconds)) + " to " + number(slices.Max(seconds)), Ratio: "-",
			Weights: number(medianOf(s, func(r *result.Run) float64 { return r.Seconds - phaseOf(r, answer) })),
			Own:     number(medianOf(s, (*result.Run).OwnSeconds))}
		if base > 0 && !s.Baseline {
			line.Ratio = fmt.Sprintf("%.1f x", base/median)
		}
		for _, name := range names {
			line.phases = append(line.phases, medianOf(s, func(r *result.Run) float64 { return phaseOf(r, name) }))
		}
		all = append(all, line)
	}
	return all
}

// phases are the names of all phases, each behind the one that it follows where it first comes.
func phases(r *result.Result) []string {
	var names []string
	for i := range r.Scenarios {
		for j := range r.Scenarios[i].Runs {
			next := 0
			for _, p := range r.Scenarios[i].Runs[j].Phases {
				at := slices.Index(names, p.Name)
				if at < 0 {
					at = next
					names = slices.Insert(names, at, p.Name)
				}
				next = at + 1
			}
		}
	}
	return names
}

func phaseOf(r *result.Run, name string) (seconds float64) {
	for _, p := range r.Phases {
		if p.Name == name {
			seconds += p.Seconds
		}
	}
	return seconds
}

func medianOf(s *result.Scenario, of func(*result.Run) float64) float64 {
	values := make([]float64, len(s.Runs))
	for i := range s.Runs {
		values[i] = of(&s.Runs[i])
	}
	return result.Median(values)
}

// proofs are the claims of a scenario: the worst run of each.
func proofs(s *result.Scenario) []proof {
	var all []proof
	for i := range s.Runs[0].Proof {
		worst, failed := s.Runs[0].Proof[i], 0
		for j := range s.Runs {
			if p := s.Runs[j].Proof[i]; !p.OK {
				worst = p
				failed++
			}
		}
		text := fmt.Sprintf("%s: %s, wanted %s", worst.Name, humanize.Comma(worst.Got), worst.Want)
		if failed > 0 {
			text += "; " + notClaimed(failed, len(s.Runs))
		}
		all = append(all, proof{text, failed == 0})
	}
	return all
}

// doubt is what a reader of a scenario's numbers must know: that runs in them were not what they claim.
func doubt(s *result.Scenario) string {
	failed := 0
	for i := range s.Runs {
		if slices.ContainsFunc(s.Runs[i].Proof, func(p result.Proof) bool { return !p.OK }) {
			failed++
		}
	}
	if failed == 0 {
		return ""
	}
	return notClaimed(failed, len(s.Runs))
}

func notClaimed(failed, runs int) string {
	return fmt.Sprintf("%d of %d runs were not what they claim", failed, runs)
}

func number(seconds float64) string {
	switch {
	case seconds == 0:
		return "0"
	case seconds < 0.01:
		return fmt.Sprintf("%.4f", seconds)
	case seconds < 10:
		return fmt.Sprintf("%.2f", seconds)
	}
	return fmt.Sprintf("%.1f", seconds)
}

// headline is what a result says, in sentences.
func headline(r *result.Result) []string {
	said := []string{fmt.Sprintf("Model: %s, %s in %d files.", r.Model.Name, humanize.Bytes(uint64(r.Model.Bytes)), r.Model.Files)}
	if r.Model.Synthetic {
		said[0] += " Its sizes are real, its contents are not."
	}
	if r.Kind == result.Local {
		said = append(said, "The inference server is simulated: there is no inference, and no compiling.")
	}
	return said
}

// machine is what it ran on, in words.
func machine(m *result.Machine) string {
	parts := []string{m.CPU, fmt.Sprintf("%d cores", m.Cores), humanize.IBytes(uint64(max(m.Memory, 0))) + " of memory", m.GPU, m.Kernel, m.Disk}
	if m.Nodes > 0 {
		parts = append(parts, fmt.Sprintf("one of %d nodes", m.Nodes))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}
