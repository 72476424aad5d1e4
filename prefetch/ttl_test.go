// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// A copy that nobody used for its time to live, and that then made room, is not fetched again until a pod uses the model or somebody
// says anew that it is wanted.
func TestPlanner_WhatATimeToLiveLetGoStaysAway(t *testing.T) {
	t.Parallel()
	node, cache := readyNode("n0")
	prefetch := &v1alpha1.Prefetch{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "hourly", Generation: 1},
		Spec: v1alpha1.PrefetchSpec{ModelName: "m0", TTLAfterLastUse: &metav1.Duration{Duration: time.Hour}}}
	s := newAPIServer(node, cache, pinnedModel("m0", 10), prefetch)
	now := epoch
	p := &Planner{Client: s, Now: func() time.Time { return now }}
	wanted := func(later time.Duration, held ...v1alpha1.HeldModel) bool {
		t.Helper()
		now = now.Add(later)
		if err := s.Get(t.Context(), client.ObjectKeyFromObject(cache), cache); err != nil {
			t.Fatal(err)
		}
		cache.Status.Models, cache.Status.ReportedAt = held, &metav1.Time{Time: now}
		if err := s.Status().Update(t.Context(), cache); err != nil {
			t.Fatal(err)
		}
		for range 2 { // what the first writes, the second reads
			if _, err := p.Reconcile(t.Context(), ctrl.Request{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Get(t.Context(), client.ObjectKeyFromObject(cache), cache); err != nil {
			t.Fatal(err)
		}
		return len(cache.Spec.Models) == 1
	}
	there := func(used time.Time) v1alpha1.HeldModel {
		return v1alpha1.HeldModel{Namespace: "a", Name: "m0", Revision: revision("m0"), Phase: v1alpha1.ReadyPhase, BytesDone: 10, BytesTotal: 10, LastUsed: &metav1.Time{Time: used}}
	}

	for _, step := range []struct {
		what  string
		later time.Duration
		held  []v1alpha1.HeldModel
		want  bool
	}{
		{"new", 0, nil, true},
		{"there", 0, []v1alpha1.HeldModel{there(epoch)}, true},
		{"unused for the time", time.Hour, []v1alpha1.HeldModel{there(epoch)}, false},
		{"gone", time.Minute, nil, false},
		{"gone for long", 24 * time.Hour, nil, false},
		{"fetched by a pod", 0, []v1alpha1.HeldModel{there(epoch.Add(25*time.Hour + time.Minute))}, true},
	} {
		if got := wanted(step.later, step.held...); got != step.want {
			t.Fatalf("%s: wanted is %v", step.what, got)
		}
	}
	if wanted(2*time.Hour, nil...) {
		t.Fatal("gone again, it is wanted")
	}
	if err := s.Get(t.Context(), client.ObjectKeyFromObject(prefetch), prefetch); err != nil {
		t.Fatal(err)
	}
	prefetch.Generation, prefetch.Spec.TTLAfterLastUse.Duration = 2, 2*time.Hour
	if err := s.Update(t.Context(), prefetch); err != nil {
		t.Fatal(err)
	}
	if !wanted(0) {
		t.Error("a new spec is not a new wish")
	}
}
