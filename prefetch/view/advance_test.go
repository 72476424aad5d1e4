// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func TestLook_EndsWhenAPrefetchIsCompleteOrCannotBe(t *testing.T) {
	t.Parallel()
	fine, fresh, denied := model("llama3-8b"), model("llama3-8b"), unread("llama3-8b", v1alpha1.SourceDeniedReason, "access denied")
	fresh.Status = v1alpha1.ModelStatus{}
	half := v1alpha1.PrefetchStatus{Copies: v1alpha1.Copies{Ready: 1, Total: 3, ReadyOfTotal: "1/3"}, BytesDone: 24 * gib, BytesTotal: 48 * gib,
		BytesPerSecond: 600 << 20, RemainingSeconds: 40, SlowestNode: "gpu-2"}
	failedOne, failedAll := half, half
	failedOne.Copies.Failed, failedAll.Copies.Failed = 1, 2
	const progress = "██████████░░░░░░░░░░  50%  24.0Gi of 48.0Gi, 1/3 nodes have it, 600.0Mi/s, 40s left (gpu-2 is the slowest)"
	for name, test := range map[string]struct {
		ready  metav1.ConditionStatus
		reason string
		says   string
		status v1alpha1.PrefetchStatus
		model  *v1alpha1.Model
		want   view.Advance
	}{
		"complete":                     {ready: metav1.ConditionTrue, reason: v1alpha1.CompleteReason, says: "3/3 nodes have it", model: &fine, want: view.Advance{Text: "3/3 nodes have it", Done: true}},
		"fetching":                     {reason: v1alpha1.FetchingReason, status: half, model: &fine, want: view.Advance{Text: progress}},
		"one failed":                   {reason: v1alpha1.FailedReason, says: "gpu-3: denied", status: failedOne, model: &fine, want: view.Advance{Text: progress + "; gpu-3: denied"}},
		"the rest failed":              {reason: v1alpha1.FailedReason, says: "gpu-3: denied", status: failedAll, model: &fine, want: view.Advance{Text: "gpu-3: denied", Done: true, Failed: true}},
		"too big":                      {reason: v1alpha1.TooBigReason, says: "fits on no node", model: &fine, want: view.Advance{Text: "fits on no node", Done: true, Failed: true}},
		"no Model":                     {reason: v1alpha1.ModelMissingReason, says: "there is no Model", want: view.Advance{Text: "there is no Model", Done: true, Failed: true}},
		"a Model not yet planned with": {reason: v1alpha1.ModelMissingReason, says: "there is no Model", model: &fine, want: view.Advance{Text: "waits for the controller to plan"}},
		"a Model not yet read":         {reason: v1alpha1.ModelNotResolvedReason, model: &fresh, want: view.Advance{Text: "waits until the Model's source is read"}},
		"a Model that can't be read":   {reason: v1alpha1.ModelNotResolvedReason, model: &denied, want: view.Advance{Text: "the source can't be read: access denied", Done: true, Failed: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := v1alpha1.Prefetch{ObjectMeta: metav1.ObjectMeta{Generation: 2}, Status: test.status}
			c := is(v1alpha1.ReadyCondition, test.ready, test.reason, test.says)
			if c.Status == "" {
				c.Status = metav1.ConditionFalse
			}
			c.ObservedGeneration, p.Status.ObservedGeneration = 2, 2
			p.Status.Conditions = []metav1.Condition{c}
			if got := view.Look(&p, test.model); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
			p.Generation = 3
			if got := view.Look(&p, test.model); !got.Unseen || got.Done {
				t.Errorf("of a spec that nobody has looked at: %+v", got)
			}
		})
	}
}
