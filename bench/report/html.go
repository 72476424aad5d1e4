// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/hoist-dev/hoist/bench/result"
)

//go:embed page.html
var page string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"join":  func(parts []string) string { return strings.Join(parts, " ") },
	"bytes": func(n int64) string { return humanize.IBytes(uint64(max(n, 0))) },
}).Parse(page))

// section is a result, ready to be shown.
type section struct {
	*result.Result
	Title      string
	Said       []string
	Rows       []row
	Phases     []string
	Overview   template.HTML
	Strip      template.HTML
	Waterfalls []template.HTML
}

// HTML writes one page that needs no network, and prints.
func HTML(w io.Writer, results ...result.Result) error {
	var sections []section
	for i := range results {
		s, err := newSection(&results[i])
		if err != nil {
			return err
		}
		sections = append(sections, s)
	}
	return pageTemplate.Execute(w, sections)
}

func newSection(r *result.Result) (section, error) {
	s := section{Result: r, Title: title(r), Said: headline(r), Rows: rows(r), Phases: phases(r)}
	var err error
	if s.Overview, err = overview(r); err != nil {
		return s, fmt.Errorf("draw the overview: %w", err)
	}
	if s.Strip, err = strip(r); err != nil {
		return s, fmt.Errorf("draw the runs: %w", err)
	}
	for _, line := range s.Rows {
		drawn, err := waterfall(r, line.Name, line.typical)
		if err != nil {
			return s, fmt.Errorf("draw the waterfall of %s: %w", line.Name, err)
		}
		s.Waterfalls = append(s.Waterfalls, drawn)
	}
	return s, nil
}

func title(r *result.Result) string {
	if r.Kind == result.Cluster {
		return "Cold starts on a cluster"
	}
	return "Cold starts on one machine"
}

// Plot writes the overview of a result as a picture of its own, in SVG.
func Plot(w io.Writer, r result.Result) error {
	drawn, err := overview(&r)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, string(drawn))
	return err
}
