// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// planned is all that a plan depends on: the whole cluster, since what fits on a node depends on everybody's models.
type planned struct {
	models     v1alpha1.ModelList
	prefetches v1alpha1.PrefetchList
	caches     v1alpha1.CacheNodeList
	nodes      corev1.NodeList
}

func readPlanned(ctx context.Context, c cluster) (p planned, err error) {
	for _, list := range []struct {
		kind string
		into client.ObjectList
	}{{"Models", &p.models}, {"Prefetches", &p.prefetches}, {"CacheNodes", &p.caches}, {"Nodes", &p.nodes}} {
		if err := c.List(ctx, list.into); err != nil {
			return planned{}, explain("list "+list.kind+" of all namespaces, on which a plan depends", err)
		}
	}
	return p, nil
}

// make plans as the controller does.
func (p *planned) make(now time.Time) (plan.Input, plan.Plan, map[plan.Key]error) {
	in, refused := prefetch.Input(p.models.Items, p.prefetches.Items, p.caches.Items, p.nodes.Items, now)
	return in, plan.Make(in), refused
}

// put adds Prefetches, or replaces those of the same name, and says which it did.
func (p *planned) put(added []v1alpha1.Prefetch) map[plan.Key]string {
	changes := map[plan.Key]string{}
	for i := range added {
		key := keyOf(&added[i])
		at := -1
		for j := range p.prefetches.Items {
			if keyOf(&p.prefetches.Items[j]) == key {
				at = j
			}
		}
		if at < 0 {
			changes[key] = "new"
			p.prefetches.Items = append(p.prefetches.Items, added[i])
			continue
		}
		changes[key] = "changed"
		p.prefetches.Items[at].Spec = added[i].Spec
	}
	return changes
}

func keyOf(o client.Object) plan.Key { return plan.Key{Namespace: o.GetNamespace(), Name: o.GetName()} }
