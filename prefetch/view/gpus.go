// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// GPUs is one row a GPU, with the pods that hold its memory.
func GPUs(caches []v1alpha1.CacheNode) Table {
	caches = slices.Clone(caches)
	slices.SortFunc(caches, func(a, b v1alpha1.CacheNode) int { return cmp.Compare(a.Name, b.Name) })
	t := Table{Header: []string{"NODE", "GPU", "NAME", "MEMORY", "USED", "FREE", "PODS WITH A MODEL"}}
	for i := range caches {
		gpus := slices.Clone(caches[i].Status.GPUs)
		slices.SortFunc(gpus, func(a, b v1alpha1.GPU) int {
			return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.UUID, b.UUID))
		})
		for _, g := range gpus {
			var pods []string
			for _, p := range g.Pods {
				pods = append(pods, fmt.Sprintf("%s/%s %s", p.Namespace, p.Name, v1alpha1.HumanBytes(p.UsedBytes)))
			}
			t.Rows = append(t.Rows, []string{caches[i].Name, strconv.Itoa(int(g.Index)), clean(g.Name), v1alpha1.HumanBytes(g.TotalBytes), v1alpha1.HumanBytes(g.UsedBytes),
				v1alpha1.HumanBytes(max(g.TotalBytes-g.UsedBytes, 0)), orDash(strings.Join(pods, ", "))})
		}
	}
	return t
}
