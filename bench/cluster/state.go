// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/prewarm"
)

// held is what a node holds of the model.
type held struct {
	disk, memory int64
	ready        bool
	mounts       int32
}

// inMemory is how many of so many bytes are in memory where all of them are said to be: the kernel may take a page back at any time.
func inMemory(total int64) int64 { return total - total/50 }

// Of the Prefetch that is written here.
const (
	managedBy  = "app.kubernetes.io/managed-by"
	fieldOwner = "hoist-bench"
)

func (b *bench) prefetchName() string { return "hoist-bench-" + b.target.model.Name }

func (b *bench) readModel(ctx context.Context) (*v1alpha1.Model, error) {
	var m v1alpha1.Model
	key := client.ObjectKey{Namespace: b.target.model.Namespace, Name: b.target.model.Name}
	if err := b.Hoist.Get(ctx, key, &m); err != nil {
		return nil, fmt.Errorf("read the Model %s: %w", key, err)
	}
	if m.Status.Revision == "" {
		return nil, fmt.Errorf("there is no revision of Model %s yet: kubectl describe model -n %s %s says why", key, key.Namespace, key.Name)
	}
	return &m, nil
}

// holdings are what nodes hold, by their names.
func (b *bench) holdings(ctx context.Context) (map[string]held, error) {
	var list v1alpha1.CacheNodeList
	if err := b.Hoist.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("list the CacheNodes: %w", err)
	}
	all := map[string]held{}
	for i := range list.Items {
		for _, m := range list.Items[i].Status.Models {
			if m.Namespace == b.target.model.Namespace && m.Name == b.target.model.Name {
				all[list.Items[i].Name] = held{disk: m.BytesDone, memory: m.MemoryBytes, ready: m.Phase == v1alpha1.ReadyPhase, mounts: m.Mounts}
			}
		}
	}
	return all, nil
}

// wantedBy are the Prefetches of others that keep the model on nodes.
func (b *bench) wantedBy(ctx context.Context) (names []string, err error) {
	var list v1alpha1.PrefetchList
	if err := b.Hoist.List(ctx, &list, client.InNamespace(b.target.model.Namespace)); err != nil {
		return nil, fmt.Errorf("list the Prefetches of %s: %w", b.target.model.Namespace, err)
	}
	for i := range list.Items {
		if p := &list.Items[i]; p.Spec.ModelName == b.target.model.Name && p.Name != b.prefetchName() {
			names = append(names, p.Name)
		}
	}
	return names, nil
}

// evict has every copy go that no pod has mounted, and returns when they are gone.
func (b *bench) evict(ctx context.Context) error {
	if err := b.deletePrefetch(ctx); err != nil {
		return err
	}
	if err := b.await(ctx, "nodes to be told that the model is not wanted", b.unwantedEverywhere); err != nil {
		return err
	}
	b.evicted = true
	asked := time.Time{}
	return b.await(ctx, "copies that no pod has mounted to go", func(ctx context.Context) (bool, error) {
		if time.Since(asked) > askAgain {
			if err := b.askToEvict(ctx); err != nil {
				return false, err
			}
			asked = time.Now()
		}
		nodes, err := b.holdings(ctx)
		for name, h := range nodes {
			if h.mounts == 0 {
				return false, fmt.Errorf("node %s still has %s", name, v1alpha1.HumanBytes(h.disk))
			}
		}
		return err == nil, err
	})
}

func (b *bench) unwantedEverywhere(ctx context.Context) (bool, error) {
	var list v1alpha1.CacheNodeList
	if err := b.Hoist.List(ctx, &list); err != nil {
		return false, err
	}
	for i := range list.Items {
		for _, m := range list.Items[i].Spec.Models {
			if m.Namespace == b.target.model.Namespace && m.Name == b.target.model.Name {
				return false, fmt.Errorf("node %s is told to keep it", list.Items[i].Name)
			}
		}
	}
	return true, nil
}

// warm brings the model to nodes that have room for one more replica, and returns when it is there.
func (b *bench) warm(ctx context.Context, tier v1alpha1.Tier) error {
	nodes, err := b.roomy(ctx)
	if err != nil {
		return err
	}
	return b.bring(ctx, nodes, tier)
}

// bring brings the model to nodes by name.
func (b *bench) bring(ctx context.Context, nodes []corev1.Node, tier v1alpha1.Tier) error {
	var labels []string
	for i := range nodes {
		labels = append(labels, nodes[i].Labels[corev1.LabelHostname])
	}
	if err := b.deletePrefetch(ctx); err != nil {
		return err
	}
	p := &v1alpha1.Prefetch{ObjectMeta: metav1.ObjectMeta{Namespace: b.target.model.Namespace, Name: b.prefetchName(), Labels: map[string]string{managedBy: fieldOwner}}}
	p.Spec = v1alpha1.PrefetchSpec{ModelName: b.target.model.Name, Tier: tier, Priority: v1alpha1.ForecastPriority,
		Nodes: v1alpha1.NodeTarget{Selector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: corev1.LabelHostname, Operator: metav1.LabelSelectorOpIn, Values: labels}}}}}
	b.warmed = true
	if err := b.Hoist.Create(ctx, p); err != nil {
		return fmt.Errorf("write the Prefetch %s: %w", p.Name, err)
	}
	return b.await(ctx, "the model to be on the nodes", func(ctx context.Context) (bool, error) {
		all, err := b.holdings(ctx)
		for i := range nodes {
			h := all[nodes[i].Name]
			if err == nil && (!h.ready || tier == v1alpha1.MemoryTier && h.memory < inMemory(b.model.Status.Bytes)) {
				return false, fmt.Errorf("node %s has %s on its disk and %s in memory, of %s", nodes[i].Name, v1alpha1.HumanBytes(h.disk), v1alpha1.HumanBytes(h.memory), b.model.Status.Size)
			}
		}
		return err == nil, err
	})
}

// roomy are nodes that have room for one more replica, those that have the model first.
func (b *bench) roomy(ctx context.Context) ([]corev1.Node, error) {
	nodes, err := b.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	pods, err := b.Kube.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the pods of all namespaces: %w", err)
	}
	all, err := b.holdings(ctx)
	if err != nil {
		return nil, err
	}
	fit := capacity.Fit(b.target.pod, capacity.World{Nodes: nodes.Items, Pods: pods.Items})
	nobodyMakesWay := func(string) bool { return false }
	names := prewarm.Nodes(fit, nobodyMakesWay, func(node string) bool { return all[node].ready }, math.MaxInt64, b.Nodes)
	if len(names) == 0 {
		return nil, fmt.Errorf("no node has room for another pod of Deployment %s: %v", b.target.name, fit.Stops)
	}
	return slices.DeleteFunc(nodes.Items, func(n corev1.Node) bool { return !slices.Contains(names, n.Name) }), nil
}

// deletePrefetch deletes the one that was written here, if it is there.
func (b *bench) deletePrefetch(ctx context.Context) error {
	var p v1alpha1.Prefetch
	key := client.ObjectKey{Namespace: b.target.model.Namespace, Name: b.prefetchName()}
	err := b.Hoist.Get(ctx, key, &p)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil && p.Labels[managedBy] != fieldOwner {
		return fmt.Errorf("the Prefetch %s is there already, and not of a benchmark", key)
	}
	if err == nil {
		err = client.IgnoreNotFound(b.Hoist.Delete(ctx, &p))
	}
	if err != nil {
		return fmt.Errorf("delete the Prefetch %s: %w", key, err)
	}
	return nil
}
