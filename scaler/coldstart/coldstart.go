// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package coldstart

import (
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/podstart"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

const (
	oddest = 24 * time.Hour // what takes longer is no start
	longer = 2 * time.Hour  // and nor is a server that answers so long after it began: it answers again
)

// Seen is a pod that is Ready, and what is known of how that came.
type Seen struct {
	Pod    *corev1.Pod
	Node   *corev1.Node // nil: it is not there any more
	Events []corev1.Event
}

// Of is the start of a pod that is Ready; ok is false for others, and for those that were restarted: their conditions are of another start.
// Conditions have whole seconds, and so do phases; those that came in another order than they usually do are 0.
func Of(s Seen) (start v1alpha1.ColdStart, ok bool) {
	marks := podstart.MarksOf(s.Pod)
	if !whole(s.Pod, marks) {
		return start, false
	}
	met := podstart.Meet(s.Events)
	start = v1alpha1.ColdStart{Pod: s.Pod.Name, Weights: met.Weights, Images: met.Images}
	start.At.Time = marks.Ready
	if s.Node != nil {
		start.Accelerator = podstart.Accelerator(s.Node)
	}
	at := marks.Wanted
	phase := func(until time.Time, into *int32) {
		if until.After(at) {
			*into = int32(until.Sub(at).Round(time.Second).Seconds())
			at = until
		}
	}
	phase(marks.Scheduled, &start.ScheduledSeconds)
	phase(marks.Mounted, &start.MountedSeconds)
	phase(earlier(at.Add(met.Pulling.Round(time.Second)), marks.Started), &start.PulledSeconds)
	phase(marks.Started, &start.StartedSeconds)
	phase(earlier(marks.Loaded, marks.Ready), &start.LoadedSeconds)
	phase(marks.Ready, &start.ReadySeconds)
	return start, true
}

// whole reports whether a pod tells of one start, from its beginning to its end.
func whole(pod *corev1.Pod, marks podstart.Marks) bool {
	return !marks.Ready.IsZero() && !marks.Started.IsZero() && pod.DeletionTimestamp == nil && podstart.Restarts(pod) == 0 &&
		marks.Ready.Sub(marks.Wanted) <= oddest && marks.Ready.Sub(marks.Started) <= longer
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}

// rank is a quantile, of values in order: the smallest that so many do not exceed.
func rank(values []int32, q float64) int32 {
	return values[max(int(math.Ceil(q*float64(len(values)))), 1)-1]
}
