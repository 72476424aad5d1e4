// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// writeSpecs writes what the plan has for a node where the node's CacheNode says something else. A node that the plan leaves out is
// left as it is.
func (p *Planner) writeSpecs(ctx context.Context, w world, made plan.Plan) error {
	images := w.images(made)
	var failed []error
	for i := range w.caches {
		cache := &w.caches[i]
		wants, planned := made.Nodes[cache.Name]
		if !planned {
			continue
		}
		spec := specOf(wants)
		spec.Images = images[cache.Name]
		if equality.Semantic.DeepEqual(spec, cache.Spec) {
			continue
		}
		// The whole spec is ours, and one leader's: what another replica wrote while it took itself for the leader is repaired.
		patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/spec", "value": spec}})
		if err == nil {
			object := &v1alpha1.CacheNode{}
			object.Name = cache.Name
			err = p.Client.Patch(ctx, object, client.RawPatch(types.JSONPatchType, patch))
		}
		if err := client.IgnoreNotFound(err); err != nil {
			failed = append(failed, fmt.Errorf("tell node %s: %w", cache.Name, err))
		}
	}
	return errors.Join(failed...)
}

func specOf(wants []plan.Want) v1alpha1.CacheNodeSpec {
	var spec v1alpha1.CacheNodeSpec
	for _, want := range wants {
		m := v1alpha1.WantedModel{Namespace: want.Key.Namespace, Name: want.Key.Name, Revision: want.Revision,
			Priority: v1alpha1.BulkPriority, Tier: v1alpha1.Tier(want.Tier)}
		if want.Priority > 0 {
			m.Priority = v1alpha1.ForecastPriority
		}
		if m.Tier == "" {
			m.Tier = v1alpha1.DiskTier
		}
		spec.Models = append(spec.Models, m)
	}
	return spec
}
