// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// fetchingReason is that of the events that an agent writes on a pod that waits.
const fetchingReason = "FetchingModel"

// latest is the last event that is as asked, or nil.
func (s Scene) latest(is func(*corev1.Event) bool) *corev1.Event {
	var last *corev1.Event
	for i := range s.Events {
		if e := &s.Events[i]; is(e) && (last == nil || happened(e).After(happened(last))) {
			last = e
		}
	}
	return last
}

func isWarning(e *corev1.Event) bool { return e.Type == corev1.EventTypeWarning }

// aboutModel picks what the agent and the kubelet say of a claim.
func aboutModel(c Claim) func(*corev1.Event) bool {
	return func(e *corev1.Event) bool {
		switch e.Reason {
		case fetchingReason:
			return strings.HasPrefix(e.Message, "model "+c.Model.Name+":")
		case "FailedMount":
			return strings.Contains(e.Message, fmt.Sprintf("for volume %q", c.Volume))
		}
		return false
	}
}

// happened is when, the last time: events have one of four places for it.
func happened(e *corev1.Event) time.Time {
	last := e.CreationTimestamp.Time
	for _, t := range []time.Time{e.FirstTimestamp.Time, e.LastTimestamp.Time, e.EventTime.Time} {
		if t.After(last) {
			last = t
		}
	}
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	return last
}

// reason is what an event says, without what gRPC and the kubelet wrap around it.
func reason(e *corev1.Event) string {
	text := e.Message
	if i := strings.LastIndex(text, " desc = "); i >= 0 {
		text = text[i+len(" desc = "):]
	}
	return clean(text)
}
