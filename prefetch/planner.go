// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// Planner keeps the spec of every CacheNode, the status of every Prefetch, the copies of every Model and the labels of every node
// in accord with what the plan says and the nodes report. One pass does all of it: what is planned for one node depends on all.
type Planner struct {
	Client client.Client
	// Now is time.Now but for tests.
	Now func() time.Time
}

// lookAgain is how soon to look although nothing happened: nodes fall silent, times to live run out.
const lookAgain = time.Minute

// Reconcile is one pass.
func (p *Planner) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	now := p.Now()
	seen, err := p.look(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	in, next := seen.input(now)
	made := plan.Make(in)
	err = errors.Join(
		p.writeSpecs(ctx, seen, made),
		p.writePrefetches(ctx, seen, made, now),
		p.writeModels(ctx, seen, now),
		p.writeLabels(ctx, seen, now),
	)
	return ctrl.Result{RequeueAfter: next}, err
}

// world is all that a pass looks at.
type world struct {
	models     []v1alpha1.Model
	prefetches []v1alpha1.Prefetch
	caches     []v1alpha1.CacheNode
	nodes      map[string]*corev1.Node
}

func (p *Planner) look(ctx context.Context) (world, error) {
	var models v1alpha1.ModelList
	var prefetches v1alpha1.PrefetchList
	var caches v1alpha1.CacheNodeList
	var nodes corev1.NodeList
	for _, list := range []client.ObjectList{&models, &prefetches, &caches, &nodes} {
		if err := p.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return world{}, err
		}
	}
	w := world{models: models.Items, prefetches: prefetches.Items, caches: caches.Items, nodes: make(map[string]*corev1.Node, len(nodes.Items))}
	for i := range nodes.Items {
		w.nodes[nodes.Items[i].Name] = &nodes.Items[i]
	}
	return w, nil
}
