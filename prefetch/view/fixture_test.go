// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/view"
)

const (
	gib      = int64(1) << 30
	revision = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

func at(d time.Duration) *metav1.Time { t := ago(d); return &t }

func options() view.Options { return view.Options{Now: now, Silence: 200 * time.Second} }

func is(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

// model of team-a that is fine.
func model(name string) v1alpha1.Model {
	m := v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, CreationTimestamp: ago(3 * time.Hour)},
		Spec: v1alpha1.ModelSpec{Source: "s3://models/" + name + "/"}}
	m.Status = v1alpha1.ModelStatus{Revision: revision, Files: 7, Bytes: 15 * gib, Size: "15.0Gi", CheckedAt: at(2 * time.Minute),
		Copies: v1alpha1.Copies{Ready: 2, Total: 2, ReadyOfTotal: "2/2"},
		Conditions: []metav1.Condition{
			is(v1alpha1.ResolvedCondition, metav1.ConditionTrue, v1alpha1.PinnedReason, "revision 0123456789ab, 7 files, 15.0Gi"),
			is(v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.PinnedReason, "revision 0123456789ab can be mounted"),
		}}
	return m
}

// unread is a Model whose source could never be read.
func unread(name, reason, why string) v1alpha1.Model {
	m := model(name)
	m.Status = v1alpha1.ModelStatus{Copies: v1alpha1.Copies{ReadyOfTotal: "0/0"}, Conditions: []metav1.Condition{
		is(v1alpha1.ResolvedCondition, metav1.ConditionFalse, reason, why),
		is(v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.NotResolvedReason, "the source can't be read: "+why),
	}}
	return m
}

// cacheNode is one that works and holds models.
func cacheNode(name string, held ...v1alpha1.HeldModel) v1alpha1.CacheNode {
	c := v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: ago(48 * time.Hour)}}
	c.Status = v1alpha1.CacheNodeStatus{Models: held, ReportedAt: at(5 * time.Second), Version: "v0.1.0",
		Copies:     v1alpha1.Copies{ReadyOfTotal: "1/1"},
		Disk:       v1alpha1.DiskStatus{Health: "Normal", BudgetBytes: 100 * gib, UsedBytes: 15 * gib},
		Conditions: []metav1.Condition{is(v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.AgentWorkingReason, "the agent works")}}
	return c
}

func held(name string, phase v1alpha1.Phase) v1alpha1.HeldModel {
	m := v1alpha1.HeldModel{Namespace: "team-a", Name: name, Revision: revision, Phase: phase}
	switch phase {
	case v1alpha1.ReadyPhase:
		m.BytesTotal, m.BytesDone = 15*gib, 15*gib
	case v1alpha1.FetchingPhase:
		m.BytesTotal, m.BytesDone, m.BytesPerSecond, m.RemainingSeconds = 15*gib, 11*gib, 300<<20, 14
	case v1alpha1.PendingPhase, v1alpha1.FailedPhase:
		m.BytesPerSecond, m.RemainingSeconds = -1, -1
	}
	return m
}

func golden(t *testing.T, table view.Table, want string) {
	t.Helper()
	var got strings.Builder
	if err := table.Write(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
