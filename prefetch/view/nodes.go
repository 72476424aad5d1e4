// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Nodes is one row a node with an agent, with what is wrong with it.
func Nodes(caches []v1alpha1.CacheNode, o Options) Table {
	caches = slices.Clone(caches)
	slices.SortFunc(caches, func(a, b v1alpha1.CacheNode) int { return cmp.Compare(a.Name, b.Name) })
	t := Table{Header: []string{"NAME", "READY", "MODELS", "USED/BUDGET", "DISK", "AGENT-VERSION", "LAST-REPORT"}}
	if o.Wide {
		t.Header = append(t.Header, "FETCHING", "SPEED", "MOUNTS", "AGE")
	}
	t.Header = append(t.Header, "MESSAGE")
	for i := range caches {
		c := &caches[i]
		s := &c.Status
		row := []string{c.Name, nodeReady(c, o), orDash(s.Copies.ReadyOfTotal), room(s.Disk), orDash(s.Disk.Health), orDash(s.Version), o.since(s.ReportedAt)}
		if o.Wide {
			fetching, speed, mounts := activity(s.Models)
			row = append(row, strconv.Itoa(fetching), pace(speed), strconv.Itoa(mounts), o.age(c.CreationTimestamp))
		}
		t.Rows = append(t.Rows, append(row, NodeProblem(c, o)))
	}
	return t
}

func nodeReady(c *v1alpha1.CacheNode, o Options) string {
	if silent(c, o) {
		return string(metav1.ConditionUnknown)
	}
	return status(c.Status.Conditions, v1alpha1.ReadyCondition)
}

func silent(c *v1alpha1.CacheNode, o Options) bool {
	return c.Status.ReportedAt == nil || o.Now.Sub(c.Status.ReportedAt.Time) >= o.Silence
}

// NodeProblem says what is wrong with a node's agent or its copies; it is empty where nothing is.
func NodeProblem(c *v1alpha1.CacheNode, o Options) string {
	if s := agentProblem(c, o); s != "" {
		return s
	}
	var said []string
	ready := condition(c.Status.Conditions, v1alpha1.ReadyCondition)
	if ready != nil && ready.Reason != v1alpha1.AgentWorkingReason {
		said = append(said, ready.Message)
	}
	for i := range c.Status.Models {
		if m := &c.Status.Models[i]; m.Phase == v1alpha1.FailedPhase {
			said = append(said, fmt.Sprintf("model %s/%s: %s", m.Namespace, m.Name, m.Message))
		}
	}
	const most = 2
	if more := len(said) - most; more > 0 {
		said = append(said[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(said, "; ")
}

// agentProblem says why an agent can't be relied on.
func agentProblem(c *v1alpha1.CacheNode, o Options) string {
	switch {
	case c.Status.ReportedAt == nil:
		return "its agent has not reported yet"
	case silent(c, o):
		return fmt.Sprintf("its agent has not reported for %s: is the node up, and its hoist-agent pod?", duration.HumanDuration(o.Now.Sub(c.Status.ReportedAt.Time)))
	}
	if ready := condition(c.Status.Conditions, v1alpha1.ReadyCondition); ready != nil && ready.Status != metav1.ConditionTrue {
		return ready.Message
	}
	return ""
}

func room(d v1alpha1.DiskStatus) string {
	return v1alpha1.HumanBytes(d.UsedBytes) + "/" + v1alpha1.HumanBytes(d.BudgetBytes)
}

// activity sums up what goes on on a node.
func activity(models []v1alpha1.HeldModel) (fetching int, speed int64, mounts int) {
	for i := range models {
		if models[i].Phase == v1alpha1.FetchingPhase {
			fetching++
			speed += max(models[i].BytesPerSecond, 0)
		}
		mounts += int(models[i].Mounts)
	}
	return fetching, speed, mounts
}
