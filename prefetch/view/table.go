// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"bytes"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// Table is rows below a header, all of the same length.
type Table struct {
	Header []string
	Rows   [][]string
}

// Options are what a table is made with.
type Options struct {
	Now        time.Time
	Wide       bool          // more columns
	Namespaces bool          // a column that says which
	Silence    time.Duration // without a report, after which a node is not relied on
}

// Write aligns the columns. What others wrote can't move the cursor: control characters become spaces.
func (t Table) Write(w io.Writer) error {
	var all bytes.Buffer
	columns := tabwriter.NewWriter(&all, 0, 0, 3, ' ', 0)
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = clean(cell)
		}
		_, _ = columns.Write([]byte(strings.Join(cells, "\t") + "\n"))
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(all.String()) {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// clean is a text on one line, without anything that a terminal would obey.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// column drops the first cell, the namespace, where it is not asked for.
func (o Options) column(cells ...string) []string {
	if o.Namespaces {
		return cells
	}
	return cells[1:]
}

func (o Options) age(t metav1.Time) string {
	if t.IsZero() {
		return "-"
	}
	return duration.HumanDuration(o.Now.Sub(t.Time))
}

func (o Options) since(t *metav1.Time) string {
	if t == nil {
		return "-"
	}
	return o.age(*t)
}

func condition(all []metav1.Condition, kind string) *metav1.Condition {
	for i := range all {
		if all[i].Type == kind {
			return &all[i]
		}
	}
	return nil
}

// status of a condition: True, False or Unknown.
func status(all []metav1.Condition, kind string) string {
	if c := condition(all, kind); c != nil {
		return string(c.Status)
	}
	return string(metav1.ConditionUnknown)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// short is the part of a revision that people tell apart.
func short(revision string) string {
	const most = 12
	hex := strings.TrimPrefix(revision, "sha256:")
	return hex[:min(most, len(hex))]
}
