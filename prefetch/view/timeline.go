// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/podstart"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// span is a part of a pod's start. The next begins where it ends.
type span struct {
	name     string
	from, to time.Time
	open     bool // it goes on
}

// timelineWidth is that of the bars, in characters.
const timelineWidth = 40

// Timeline draws the start of a pod as a waterfall, from what the cluster knows: a line for each phase, then the pod's events.
func Timeline(s Scene) string {
	spans := spansOf(s.Pod, s.Now)
	begin, end := s.Pod.CreationTimestamp.Time, spans[len(spans)-1].to
	var b strings.Builder
	b.WriteString(s.pod())
	if node := s.Pod.Spec.NodeName; node != "" {
		b.WriteString(" on node " + node)
	}
	for _, claim := range Claims(s.Pod) {
		b.WriteString(", model " + claim.Model.Name)
	}
	whole := seconds(end.Sub(begin))
	if spans[len(spans)-1].open {
		fmt.Fprintf(&b, ": wanted %s ago, and not Ready\n\n", whole)
	} else {
		fmt.Fprintf(&b, ": Ready %s after it was wanted\n\n", whole)
	}
	for _, sp := range spans {
		sp.draw(&b, begin, end)
	}
	b.WriteString(s.met())
	s.drawEvents(&b, begin)
	b.WriteString("\nConditions and container states tell whole seconds.")
	if restarts := podstart.Restarts(s.Pod); restarts > 0 {
		fmt.Fprintf(&b, " Containers were restarted %d times: their start is the last one's.", restarts)
	}
	return b.String()
}

// spansOf are the phases that a pod has been through, and the one it is in.
func spansOf(pod *corev1.Pod, now time.Time) []span {
	type mark struct {
		name string
		at   time.Time
	}
	came := podstart.MarksOf(pod)
	marks := []mark{{"scheduling", came.Scheduled}, {"mounting, weights", came.Mounted}}
	if len(pod.Spec.InitContainers) > 0 {
		marks = append(marks, mark{"init containers", came.Initialized})
	}
	marks = append(marks, mark{"images, start", came.Started})
	if slices.ContainsFunc(pod.Spec.ReadinessGates, func(g corev1.PodReadinessGate) bool { return g.ConditionType == v1alpha1.WeightsInVRAMCondition }) {
		marks = append(marks, mark{"weights to VRAM", came.Loaded})
	}
	ready := came.Ready
	marks = append(marks, mark{"until Ready", ready})
	var spans []span
	at := came.Wanted
	for _, m := range marks {
		if m.at.IsZero() && ready.IsZero() {
			return append(spans, span{m.name, at, latest(at, now), true})
		}
		// What was true earlier took no time of its own; what is not told, or came after Ready, ends no phase before it.
		to := latest(at, m.at)
		if to.After(ready) && !ready.IsZero() {
			to = latest(at, ready)
		}
		spans = append(spans, span{m.name, at, to, false})
		at = to
	}
	return spans
}

func (sp span) draw(b *strings.Builder, begin, end time.Time) {
	whole := max(end.Sub(begin), time.Second)
	cell := func(t time.Time) int { return int(t.Sub(begin) * timelineWidth / whole) }
	from, to := min(cell(sp.from), timelineWidth-1), cell(sp.to)
	bar, took := strings.Repeat("█", max(to-from, 1)), seconds(sp.to.Sub(sp.from))
	if sp.open {
		bar, took = strings.Repeat("░", max(to-from, 1)), took+", and goes on"
	}
	if sp.to.Equal(sp.from) && !sp.open {
		bar = "▏"
	}
	line := fmt.Sprintf("  %-18s %6s  %s%s %s", sp.name, "+"+seconds(sp.from.Sub(begin)), strings.Repeat(" ", from), bar, took)
	b.WriteString(line + "\n")
}

// drawEvents lists what was said of the pod, in order. An event that came often stands where it came first.
func (s Scene) drawEvents(b *strings.Builder, begin time.Time) {
	events := slices.Clone(s.Events)
	slices.SortStableFunc(events, func(x, y corev1.Event) int {
		return cmp.Or(first(&x).Compare(first(&y)), strings.Compare(x.Name, y.Name))
	})
	if len(events) > 0 {
		b.WriteString("\n")
	}
	for i := range events {
		e := &events[i]
		fmt.Fprintf(b, "  %6s  %-18s %s\n", "+"+seconds(max(first(e).Sub(begin), 0)), e.Reason, strings.Join(strings.Fields(e.Message), " "))
	}
}

// first is when an event came first: in whole seconds, or finer where who sent it said so.
func first(e *corev1.Event) time.Time {
	switch {
	case !e.FirstTimestamp.IsZero():
		return e.FirstTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func seconds(d time.Duration) string { return d.Round(time.Second).String() }
