// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// Evict is one row a copy of a model, with what becomes of it when its owner asks for copies to go.
func Evict(model plan.Key, caches []v1alpha1.CacheNode, prefetches []v1alpha1.Prefetch) Table {
	t := Table{Header: []string{"NODE", "BYTES", "WHAT BECOMES OF IT"}}
	caches = slices.Clone(caches)
	slices.SortFunc(caches, func(a, b v1alpha1.CacheNode) int { return cmp.Compare(a.Name, b.Name) })
	for i := range caches {
		for _, m := range caches[i].Status.Models {
			if (plan.Key{Namespace: m.Namespace, Name: m.Name}) == model {
				t.Rows = append(t.Rows, []string{caches[i].Name, v1alpha1.HumanBytes(m.BytesDone), fate(&caches[i], &m, prefetches)})
			}
		}
	}
	return t
}

func fate(c *v1alpha1.CacheNode, m *v1alpha1.HeldModel, prefetches []v1alpha1.Prefetch) string {
	for _, w := range c.Spec.Models {
		if w.Namespace == m.Namespace && w.Name == m.Name {
			return "stays: wanted by " + wanting(m, prefetches)
		}
	}
	if m.Mounts > 0 {
		return fmt.Sprintf("stays: %s it mounted", count(int(m.Mounts), "pod has", "pods have"))
	}
	return "goes"
}

func wanting(m *v1alpha1.HeldModel, prefetches []v1alpha1.Prefetch) string {
	var names []string
	for i := range prefetches {
		if p := &prefetches[i]; p.Namespace == m.Namespace && p.Spec.ModelName == m.Name {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return "a Prefetch that is being deleted"
	}
	slices.Sort(names)
	return "Prefetch " + strings.Join(names, ", ")
}
