// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// Silence is how long a node may go without a report: two heartbeats of the agent, and what clocks differ by.
const Silence = 200 * time.Second

// working reports whether what a CacheNode says can be relied on now, and whether its agent takes work.
func (w world) working(c *v1alpha1.CacheNode, now time.Time) bool {
	node := w.nodes[c.Name]
	return node != nil && node.DeletionTimestamp.IsZero() && c.DeletionTimestamp.IsZero() && nodeReady(node) &&
		c.Status.ReportedAt != nil && now.Sub(c.Status.ReportedAt.Time) < Silence && isTrue(c.Status.Conditions, v1alpha1.ReadyCondition)
}

func nodeReady(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Input is a cluster in the words of the plan, for those who ask what the plan would be. A Prefetch whose spec can't be read is left out
// of it; refused says why.
func Input(models []v1alpha1.Model, prefetches []v1alpha1.Prefetch, caches []v1alpha1.CacheNode, nodes []corev1.Node, now time.Time) (in plan.Input, refused map[plan.Key]error) {
	w := world{models: models, prefetches: prefetches, caches: caches, nodes: make(map[string]*corev1.Node, len(nodes))}
	for i := range nodes {
		w.nodes[nodes[i].Name] = &nodes[i]
	}
	in, _ = w.input(now)
	refused = map[plan.Key]error{}
	for i := range prefetches {
		if _, _, _, err := readSpec(&prefetches[i], now); err != nil {
			refused[keyOf(&prefetches[i])] = err
		}
	}
	return in, refused
}

// input is w in the words of the plan, and how long it holds if nothing happens.
func (w world) input(now time.Time) (plan.Input, time.Duration) {
	in := plan.Input{Now: now}
	next := lookAgain
	for i := range w.models {
		m := &w.models[i]
		if m.DeletionTimestamp.IsZero() {
			in.Models = append(in.Models, plan.Model{Key: keyOf(m), Revision: m.Status.Revision, Bytes: m.Status.Bytes})
		}
	}
	used := w.letGo()
	for i := range w.caches {
		n := w.node(&w.caches[i], now)
		n.Held = recall(n.Held, used)
		in.Nodes = append(in.Nodes, n)
	}
	for i := range w.prefetches {
		p := &w.prefetches[i]
		if !p.DeletionTimestamp.IsZero() {
			continue
		}
		selector, open, changes, err := readSpec(p, now)
		if err != nil {
			continue // its status says so
		}
		if !changes.IsZero() {
			next = min(next, max(changes.Sub(now), time.Second))
		}
		in.Prefetches = append(in.Prefetches, prefetchOf(p, selector, open))
	}
	return in, next
}

// readSpec reads what the API server could not check.
func readSpec(p *v1alpha1.Prefetch, now time.Time) (selector labels.Selector, open bool, changes time.Time, err error) {
	selector = labels.Everything()
	if s := p.Spec.Nodes.Selector; s != nil {
		if selector, err = metav1.LabelSelectorAsSelector(s); err != nil {
			return nil, false, time.Time{}, &specError{v1alpha1.SelectorInvalidReason, err}
		}
	}
	if open, changes, err = window(p.Spec.Schedule, now); err != nil {
		return nil, false, time.Time{}, &specError{v1alpha1.ScheduleInvalidReason, err}
	}
	return selector, open, changes, nil
}

// specError is a spec that can't be read, and the reason that its condition gets.
type specError struct {
	reason string
	err    error
}

func (e *specError) Error() string { return e.err.Error() }
func (e *specError) Unwrap() error { return e.err }

func prefetchOf(p *v1alpha1.Prefetch, selector labels.Selector, open bool) plan.Prefetch {
	q := plan.Prefetch{Key: keyOf(p), Model: plan.Key{Namespace: p.Namespace, Name: p.Spec.ModelName}, Selector: selector,
		Tier: string(p.Spec.Tier), Active: open && !p.Spec.Suspend, Suspend: p.Spec.Suspend}
	if p.Spec.Priority == v1alpha1.ForecastPriority {
		q.Priority = 1
	}
	if n := p.Spec.Nodes.Count; n != nil {
		q.Count = *n
	}
	if n := p.Spec.Nodes.Percent; n != nil {
		q.Percent = *n
	}
	if d := p.Spec.TTLAfterLastUse; d != nil {
		q.TTL = d.Duration
	}
	return q
}

func (w world) node(c *v1alpha1.CacheNode, now time.Time) plan.Node {
	n := plan.Node{Name: c.Name, Ready: w.working(c, now), Budget: c.Status.Disk.BudgetBytes}
	if node := w.nodes[c.Name]; node != nil {
		n.Labels = node.Labels
	}
	wanted := map[plan.Key]string{}
	for _, m := range c.Spec.Models {
		wanted[plan.Key{Namespace: m.Namespace, Name: m.Name}] = m.Revision
	}
	for i := range c.Status.Models {
		m := &c.Status.Models[i]
		held := plan.Held{Key: plan.Key{Namespace: m.Namespace, Name: m.Name}, Revision: m.Revision, Bytes: m.BytesDone, Total: m.BytesTotal,
			Ready: m.Phase == v1alpha1.ReadyPhase, Mounts: int(m.Mounts)}
		_, held.Wanted = wanted[held.Key]
		if m.LastUsed != nil {
			held.LastUsed = m.LastUsed.Time
		}
		delete(wanted, held.Key)
		n.Held = append(n.Held, held)
	}
	for key, revision := range wanted { // told, but not yet reported
		n.Held = append(n.Held, plan.Held{Key: key, Revision: revision, Wanted: true})
	}
	return n
}

func keyOf(o metav1.Object) plan.Key { return plan.Key{Namespace: o.GetNamespace(), Name: o.GetName()} }
