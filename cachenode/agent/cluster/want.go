// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
)

// wantOf is what the node is to do for a model: its pinned revision, from its source.
func wantOf(m *v1alpha1.Model, revision string, priority cachenode.Priority, tier v1alpha1.Tier, source cachenode.Source) (agent.Want, error) {
	ref, err := cachenode.ParseRef(m.Spec.Source)
	if err != nil {
		return agent.Want{}, err
	}
	rev, err := cachenode.ParseRevision(revision)
	if err != nil {
		return agent.Want{}, err
	}
	w := agent.Want{Name: storeName(types.NamespacedName{Namespace: m.Namespace, Name: m.Name}), Ref: ref, Select: origin.Selection(m.Spec.Files),
		Priority: priority, Source: source, Revision: rev, Memory: tier == v1alpha1.MemoryTier}
	return w, w.Select.Validate()
}

func priorityOf(p v1alpha1.Priority) (cachenode.Priority, error) {
	switch p {
	case v1alpha1.BulkPriority, "":
		return cachenode.Bulk, nil
	case v1alpha1.ForecastPriority:
		return cachenode.Forecast, nil
	}
	return 0, fmt.Errorf("priority %q: want %s or %s", p, v1alpha1.BulkPriority, v1alpha1.ForecastPriority)
}
