// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Advance is how far a Prefetch is.
type Advance struct {
	Text   string
	Done   bool // waiting longer changes nothing, as far as anybody can tell
	Failed bool // it is done, and not complete
	Unseen bool // the controller has not looked at it yet
}

// Look says how far p is. model is what it wants, nil if there is none.
func Look(p *v1alpha1.Prefetch, model *v1alpha1.Model) Advance {
	s := &p.Status
	ready := condition(s.Conditions, v1alpha1.ReadyCondition)
	if s.ObservedGeneration != p.Generation || ready == nil || ready.ObservedGeneration != p.Generation {
		return Advance{Text: "waits for the controller", Unseen: true}
	}
	if ready.Status == metav1.ConditionTrue {
		return Advance{Done: true, Text: ready.Message}
	}
	switch ready.Reason {
	case v1alpha1.FetchingReason:
		return Advance{Text: advance(s)}
	case v1alpha1.FailedReason: // others may still go on
		if s.Copies.Ready+s.Copies.Failed < s.Copies.Total {
			return Advance{Text: advance(s) + "; " + clean(ready.Message)}
		}
	case v1alpha1.ModelNotResolvedReason, v1alpha1.NotResolvedReason, v1alpha1.ModelMissingReason:
		if model != nil {
			return unresolved(model)
		}
	}
	return Advance{Done: true, Failed: true, Text: clean(ready.Message)}
}

// unresolved is a Prefetch whose status says that its model's revision is not known.
func unresolved(model *v1alpha1.Model) Advance {
	switch {
	case model.Status.Revision != "":
		return Advance{Text: "waits for the controller to plan"}
	case condition(model.Status.Conditions, v1alpha1.ResolvedCondition) == nil:
		return Advance{Text: "waits until the Model's source is read"}
	}
	return Advance{Done: true, Failed: true, Text: clean(ModelProblem(model))}
}

func advance(s *v1alpha1.PrefetchStatus) string {
	text := fmt.Sprintf("%s of %s, %s nodes have it", v1alpha1.HumanBytes(s.BytesDone), v1alpha1.HumanBytes(s.BytesTotal), s.Copies.ReadyOfTotal)
	if s.BytesPerSecond > 0 {
		text += ", " + pace(s.BytesPerSecond)
	}
	if s.RemainingSeconds > 0 {
		text += ", " + left(s.RemainingSeconds) + " left"
	}
	if s.SlowestNode != "" {
		text += " (" + s.SlowestNode + " is the slowest)"
	}
	return bar(s.BytesDone, s.BytesTotal) + "  " + text
}
