// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package coldstart

import (
	"cmp"
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Prior is how long a cold start is taken to be before one was seen, in seconds.
const Prior = 180

const (
	kept   = 20             // starts that are remembered
	enough = 3              // starts that say more than Prior
	oddest = 24 * time.Hour // what takes longer is no start
)

// Of is the start of a pod that is Ready; ok is false for others, and for those that were restarted: their conditions are of another start.
// Conditions have whole seconds, and so do phases; those that came in another order than they usually do are 0.
func Of(pod *corev1.Pod) (start v1alpha1.ColdStart, ok bool) {
	ready, is := since(pod, corev1.PodReady)
	if !is || pod.DeletionTimestamp != nil || ready.Sub(pod.CreationTimestamp.Time) > oddest {
		return start, false
	}
	var started time.Time
	for _, c := range pod.Status.ContainerStatuses {
		if c.RestartCount > 0 || c.State.Running == nil {
			return start, false
		}
		if c.State.Running.StartedAt.After(started) {
			started = c.State.Running.StartedAt.Time
		}
	}
	start = v1alpha1.ColdStart{Pod: pod.Name}
	start.At.Time = ready
	at := pod.CreationTimestamp.Time
	phase := func(until time.Time, into *int32) {
		if until.After(at) {
			*into = int32(until.Sub(at).Round(time.Second).Seconds())
			at = until
		}
	}
	scheduled, _ := since(pod, corev1.PodScheduled)
	mounted, _ := since(pod, corev1.PodReadyToStartContainers)
	loaded, _ := since(pod, v1alpha1.WeightsInVRAMCondition)
	phase(scheduled, &start.ScheduledSeconds)
	phase(mounted, &start.MountedSeconds)
	phase(started, &start.StartedSeconds)
	phase(earlier(loaded, ready), &start.LoadedSeconds)
	phase(ready, &start.ReadySeconds)
	return start, true
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}

// since is when a condition turned True.
func since(pod *corev1.Pod, kind corev1.PodConditionType) (time.Time, bool) {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time, true
		}
	}
	return time.Time{}, false
}

// Add takes the starts of pods over into what is known, each once, and forgets the oldest. It is nil before the first.
func Add(status *v1alpha1.ColdStartStatus, pods []corev1.Pod) *v1alpha1.ColdStartStatus {
	next := &v1alpha1.ColdStartStatus{}
	if status != nil {
		next.Recent = slices.Clone(status.Recent)
	}
	for i := range pods {
		start, ok := Of(&pods[i])
		known := slices.ContainsFunc(next.Recent, func(c v1alpha1.ColdStart) bool { return c.Pod == pods[i].Name })
		if ok && !known {
			next.Recent = append(next.Recent, start)
		}
	}
	if len(next.Recent) == 0 {
		return nil
	}
	slices.SortStableFunc(next.Recent, func(a, b v1alpha1.ColdStart) int {
		return cmp.Or(a.At.Compare(b.At.Time), cmp.Compare(a.Pod, b.Pod))
	})
	next.Recent = next.Recent[max(0, len(next.Recent)-kept):]
	totals := make([]int32, len(next.Recent))
	for i := range next.Recent {
		totals[i] = next.Recent[i].Total()
	}
	slices.Sort(totals)
	next.P50Seconds, next.P90Seconds = rank(totals, 0.5), rank(totals, 0.9)
	return next
}

// rank is a quantile, of values in order: the smallest that so many do not exceed.
func rank(values []int32, q float64) int32 {
	return values[max(int(math.Ceil(q*float64(len(values)))), 1)-1]
}

// Slow is how many seconds a slow start takes, as far as is known.
func Slow(status *v1alpha1.ColdStartStatus) int32 {
	if status == nil || len(status.Recent) < enough {
		return Prior
	}
	return status.P90Seconds
}
