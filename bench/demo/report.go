// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// row is one way of getting a model into a process.
type row struct {
	name    string
	get     time.Duration // bytes on their way to the disk
	load    time.Duration // bytes on their way into the process
	fetched int64         // bytes that left the origin
	note    string
}

func (r row) total() time.Duration { return r.get + r.load }

type report struct{ rows []row }

func (r *report) add(rows ...row) { r.rows = append(r.rows, rows...) }

const barWidth = 36

// write prints the table and, below, a bar a row: ▓ download, █ load.
func (r *report) write(w io.Writer) {
	_, _ = fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "\tdownload\tload\ttogether\tfrom origin\t")
	var longest time.Duration
	for _, row := range r.rows {
		longest = max(longest, row.total())
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
			row.name, seconds(row.get), seconds(row.load), seconds(row.total()), humanize.IBytes(uint64(row.fetched)), row.note)
	}
	_ = table.Flush()
	_, _ = fmt.Fprintln(w)
	for _, row := range r.rows {
		_, _ = fmt.Fprintf(w, "%-34s %s%s %s\n", row.name, cells("▓", row.get, longest), cells("█", row.load, longest), seconds(row.total()))
	}
	_, _ = fmt.Fprintf(w, "%34s ▓ download  █ load\n", "")
}

func cells(glyph string, part, whole time.Duration) string {
	if whole <= 0 {
		return ""
	}
	return strings.Repeat(glyph, int((part*barWidth+whole/2)/whole))
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
