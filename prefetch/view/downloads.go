// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Download is one model on its way to one node.
type Download struct {
	Node string
	Held v1alpha1.HeldModel
}

// Downloads are those that run or wait, by model and node. namespace "" is all of them.
func Downloads(caches []v1alpha1.CacheNode, namespace string) []Download {
	var all []Download
	for i := range caches {
		for _, m := range caches[i].Status.Models {
			if (namespace == "" || m.Namespace == namespace) && (m.Phase == v1alpha1.FetchingPhase || m.Phase == v1alpha1.PendingPhase) {
				all = append(all, Download{Node: caches[i].Name, Held: m})
			}
		}
	}
	slices.SortFunc(all, func(a, b Download) int {
		return cmp.Or(cmp.Compare(a.Held.Namespace, b.Held.Namespace), cmp.Compare(a.Held.Name, b.Held.Name), cmp.Compare(a.Node, b.Node))
	})
	return all
}

// Progress is a bar for each download.
func Progress(downloads []Download, o Options) Table {
	t := Table{Header: o.column("NAMESPACE", "MODEL", "NODE", "PROGRESS", "DONE/TOTAL", "SPEED", "LEFT")}
	for _, d := range downloads {
		m := d.Held
		row := o.column(m.Namespace, m.Name, d.Node, bar(m.BytesDone, m.BytesTotal), "waits", "-", "-")
		if m.Phase == v1alpha1.FetchingPhase {
			n := len(row)
			row[n-3], row[n-2], row[n-1] = v1alpha1.HumanBytes(m.BytesDone)+"/"+v1alpha1.HumanBytes(m.BytesTotal), pace(m.BytesPerSecond), left(m.RemainingSeconds)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Sum is all downloads in one line.
func Sum(downloads []Download) string {
	var done, total, speed, slowest int64
	running := 0
	for _, d := range downloads {
		if d.Held.Phase != v1alpha1.FetchingPhase {
			continue
		}
		running++
		done, total, speed = done+d.Held.BytesDone, total+d.Held.BytesTotal, speed+max(d.Held.BytesPerSecond, 0)
		slowest = max(slowest, d.Held.RemainingSeconds)
	}
	if len(downloads) == 0 {
		return "no downloads run"
	}
	text := fmt.Sprintf("%s: %s of %s, %s", count(running, "download runs", "downloads run"), v1alpha1.HumanBytes(done), v1alpha1.HumanBytes(total), pace(speed))
	if slowest > 0 {
		text += fmt.Sprintf(", %s left for the slowest", left(slowest))
	}
	if waiting := len(downloads) - running; waiting > 0 {
		text += fmt.Sprintf("; %s", count(waiting, "waits", "wait"))
	}
	return text
}

// barWidth is that of a bar, in cells.
const barWidth = 20

// bar shows how much of total is done.
func bar(done, total int64) string {
	if total <= 0 {
		return strings.Repeat("░", barWidth)
	}
	part := min(max(float64(done)/float64(total), 0), 1)
	full := int(part * barWidth)
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + fmt.Sprintf(" %3d%%", int(part*100))
}

// pace is a speed in bytes a second; less than 0 is unknown.
func pace(speed int64) string {
	if speed < 0 {
		return "-"
	}
	return v1alpha1.HumanBytes(speed) + "/s"
}

// left is a time in seconds; less than 0 is unknown.
func left(seconds int64) string {
	if seconds < 0 {
		return "-"
	}
	return duration.HumanDuration(time.Duration(seconds) * time.Second)
}
