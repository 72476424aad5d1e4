// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/disk"
)

// facts are all that a status is made of.
type facts struct {
	generation int64                                       // of the spec that the node works towards
	wanted     map[types.NamespacedName]string             // the spec: revisions
	problems   map[types.NamespacedName]string             // why a wanted model is not even tried
	node       agent.Status                                // what the node says
	names      map[types.NamespacedName]cachenode.Revision // what the store has for each model
	copies     map[cachenode.Revision]disk.Copy
	mounts     map[types.NamespacedName]int32
	draining   bool
	conditions []metav1.Condition // as they were
}

// status says what f means. It is bounded: MaxModels models, 512 bytes a message.
func (f facts) status() v1alpha1.CacheNodeStatus {
	held := f.models()
	s := v1alpha1.CacheNodeStatus{
		ObservedGeneration: f.generation,
		Models:             held,
		Copies:             count(held),
		Version:            f.node.Version,
		Disk: v1alpha1.DiskStatus{Health: f.node.Cache.Health, BudgetBytes: f.node.Cache.Budget, UsedBytes: f.node.Cache.Used,
			Budget: v1alpha1.HumanBytes(f.node.Cache.Budget), Used: v1alpha1.HumanBytes(f.node.Cache.Used)},
		Conditions: slices.Clone(f.conditions),
	}
	setCondition(&s.Conditions, f.ready(held))
	return s
}

func (f facts) ready(held []v1alpha1.HeldModel) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionTrue, ObservedGeneration: f.generation,
		Reason: v1alpha1.AgentWorkingReason, Message: "the agent works"}
	switch {
	case f.draining:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.AgentDrainingReason, "the agent is ending; what is mounted stays mounted"
	case f.node.Cache.Health == disk.Down.String():
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.DiskDownReason, "the cache's disk fails; nothing new is stored on it"
	case f.node.Cache.Health == disk.Unstable.String():
		c.Reason, c.Message = v1alpha1.DiskUnstableReason, "the cache's disk had failures and is being watched"
	}
	if failed := count(held).Failed; failed > 0 && c.Reason == v1alpha1.AgentWorkingReason {
		c.Message = fmt.Sprintf("the agent works; %d of %d models failed, see status.models", failed, len(held))
	}
	return c
}

// setCondition keeps the time of the last transition where the status did not change.
func setCondition(conditions *[]metav1.Condition, c metav1.Condition) {
	i := slices.IndexFunc(*conditions, func(old metav1.Condition) bool { return old.Type == c.Type })
	if i < 0 {
		c.LastTransitionTime = metav1.Now()
		*conditions = append(*conditions, c)
		return
	}
	c.LastTransitionTime = (*conditions)[i].LastTransitionTime
	if c.Status != (*conditions)[i].Status {
		c.LastTransitionTime = metav1.Now()
	}
	(*conditions)[i] = c
}

// models are the wanted ones first, then what is here beside them.
func (f facts) models() []v1alpha1.HeldModel {
	keepers := map[types.NamespacedName]agent.ModelStatus{}
	for _, m := range f.node.Models {
		if key, ok := modelOf(m.Name); ok {
			keepers[key] = m
		}
	}
	var wanted, others []v1alpha1.HeldModel
	for key, revision := range f.wanted {
		wanted = append(wanted, f.wantedModel(key, revision, keepers))
	}
	for key, revision := range f.names {
		if _, ok := f.wanted[key]; !ok {
			others = append(others, f.present(key, revision))
		}
	}
	for _, list := range [][]v1alpha1.HeldModel{wanted, others} {
		slices.SortFunc(list, func(a, b v1alpha1.HeldModel) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
	}
	all := slices.Concat(wanted, others)
	return all[:min(len(all), v1alpha1.MaxModels)]
}

func (f facts) wantedModel(key types.NamespacedName, revision string, keepers map[types.NamespacedName]agent.ModelStatus) v1alpha1.HeldModel {
	if rev, ok := f.names[key]; ok && string(rev) == revision {
		m := f.present(key, rev)
		m.MemoryBytes = keepers[key].MemoryBytes
		return m
	}
	m := v1alpha1.HeldModel{Namespace: key.Namespace, Name: key.Name, Revision: revision, Phase: v1alpha1.PendingPhase,
		BytesPerSecond: -1, RemainingSeconds: -1, Mounts: f.mounts[key]}
	k, kept := keepers[key]
	problem := f.problems[key]
	switch {
	case problem != "":
		m.Phase, m.Message = v1alpha1.FailedPhase, clip(problem)
	case kept && k.Error != "":
		m.Phase, m.Message = v1alpha1.FailedPhase, clip(k.Error)
	case kept && k.Phase != agent.Pending:
		m.Phase = v1alpha1.FetchingPhase
	}
	if m.Phase == v1alpha1.FetchingPhase {
		m.BytesTotal, m.BytesDone, m.BytesPerSecond, m.RemainingSeconds = k.Bytes, k.BytesDone, k.BytesPerSecond, k.RemainingSeconds
	}
	return m
}

func (f facts) present(key types.NamespacedName, rev cachenode.Revision) v1alpha1.HeldModel {
	c := f.copies[rev]
	m := v1alpha1.HeldModel{Namespace: key.Namespace, Name: key.Name, Revision: string(rev), Phase: v1alpha1.ReadyPhase,
		BytesTotal: c.Bytes, BytesDone: c.Bytes, Mounts: f.mounts[key]}
	if !c.LastUsed.IsZero() {
		m.LastUsed = &metav1.Time{Time: c.LastUsed.UTC().Truncate(time.Second)}
	}
	return m
}

func count(models []v1alpha1.HeldModel) v1alpha1.Copies {
	c := v1alpha1.Copies{Total: int32(len(models))}
	for _, m := range models {
		switch m.Phase {
		case v1alpha1.ReadyPhase:
			c.Ready++
		case v1alpha1.FailedPhase:
			c.Failed++
		case v1alpha1.PendingPhase, v1alpha1.FetchingPhase:
		}
	}
	c.ReadyOfTotal = fmt.Sprintf("%d/%d", c.Ready, c.Total)
	return c
}

// maxMessage bounds a message in a status, in bytes, as the schema does.
const maxMessage = 512

func clip(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage-len("…")], "") + "…"
}
