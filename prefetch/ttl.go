// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// letGo is when models were used last that a time to live is about, as far as the Prefetches remember. Without this memory a copy that
// went after its time would be fetched again.
func (w world) letGo() map[plan.Key]time.Time {
	used := map[plan.Key]time.Time{}
	for i := range w.prefetches {
		p := &w.prefetches[i]
		if at := lastUsed(p); at != nil {
			key := plan.Key{Namespace: p.Namespace, Name: p.Spec.ModelName}
			if at.After(used[key]) {
				used[key] = at.Time
			}
		}
	}
	return used
}

// lastUsed is what p remembers; a new spec is a new wish.
func lastUsed(p *v1alpha1.Prefetch) *metav1.Time {
	if p.Spec.TTLAfterLastUse == nil || p.Spec.TTLAfterLastUse.Duration <= 0 || p.Status.ObservedGeneration != p.Generation {
		return nil
	}
	return p.Status.LastUsed
}

// recall adds what is remembered of models that a node does not have.
func recall(held []plan.Held, used map[plan.Key]time.Time) []plan.Held {
	for key, at := range used {
		i := slices.IndexFunc(held, func(h plan.Held) bool { return h.Key == key })
		if i < 0 {
			held = append(held, plan.Held{Key: key, LastUsed: at})
		} else if held[i].Bytes == 0 && held[i].LastUsed.IsZero() { // told, and not there
			held[i].LastUsed = at
		}
	}
	return held
}

// remember is what p shall remember. held is what nodes report of its model.
func remember(p *v1alpha1.Prefetch, held map[string]*v1alpha1.HeldModel) *metav1.Time {
	if p.Spec.TTLAfterLastUse == nil || p.Spec.TTLAfterLastUse.Duration <= 0 {
		return nil
	}
	last := lastUsed(p)
	for _, m := range held {
		if m.LastUsed != nil && (last == nil || m.LastUsed.After(last.Time)) {
			last = m.LastUsed
		}
	}
	return last.DeepCopy()
}
