// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/prewarm"
)

// ahead brings the weights to the nodes that so many replicas will likely run on, and gives their names. Where no more are expected than
// there are, its Prefetch goes: what was not fetched is not, and what was may be evicted.
func (f *Forecaster) ahead(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts, expected int32) ([]string, error) {
	var nodes []string
	model := ""
	if w := facts.Workload; w != nil && expected > w.Replicas {
		model = modelOf(w, p.Namespace)
		var err error
		if nodes, err = f.candidates(ctx, p, facts, model, int64(expected-w.Replicas)); err != nil {
			return nil, err
		}
	}
	if len(nodes) == 0 {
		return nil, f.cancel(ctx, p)
	}
	return f.fetch(ctx, p, nodes, v1alpha1.PrefetchSpec{ModelName: model, Priority: v1alpha1.ForecastPriority, Tier: p.Spec.Forecast.Tier,
		Nodes: v1alpha1.NodeTarget{Selector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: corev1.LabelHostname, Operator: metav1.LabelSelectorOpIn, Values: hostnames(facts.Nodes, nodes)}}}}})
}

// cancel takes a policy's Prefetch away, if it has one.
func (f *Forecaster) cancel(ctx context.Context, p *v1alpha1.ScalePolicy) error {
	var there v1alpha1.Prefetch
	if err := f.Client.Get(ctx, prewarmKey(p), &there); err != nil || !metav1.IsControlledBy(&there, p) {
		return client.IgnoreNotFound(err)
	}
	return client.IgnoreNotFound(f.Client.Delete(ctx, &there, client.Preconditions{UID: &there.UID}))
}

// fetch makes a policy's Prefetch, or changes the one that it has; somebody else's of that name stays.
func (f *Forecaster) fetch(ctx context.Context, p *v1alpha1.ScalePolicy, nodes []string, spec v1alpha1.PrefetchSpec) ([]string, error) {
	key := prewarmKey(p)
	var there v1alpha1.Prefetch
	err := f.Client.Get(ctx, key, &there)
	switch {
	case client.IgnoreNotFound(err) != nil:
		return nil, err
	case err == nil && !metav1.IsControlledBy(&there, p):
		return nil, nil
	case err == nil && equality.Semantic.DeepEqual(there.Spec, spec):
		return nodes, nil
	case err == nil:
		before := there.DeepCopy()
		there.Spec = spec
		return nodes, client.IgnoreNotFound(f.Client.Patch(ctx, &there, client.MergeFrom(before), owner))
	}
	yes := true
	made := &v1alpha1.Prefetch{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, OwnerReferences: []metav1.OwnerReference{
		{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ScalePolicy", Name: p.Name, UID: p.UID, Controller: &yes}}}, Spec: spec}
	if err := f.Client.Create(ctx, made, owner); err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, err
	}
	return nodes, nil
}

// modelOf is the target's Model, where it is of the policy's namespace; a Prefetch of another one's there is not.
func modelOf(w *Workload, namespace string) string {
	model := w.Template.Annotations[v1alpha1.ModelAnnotation]
	if in, name, elsewhere := strings.Cut(model, "/"); elsewhere {
		if in != namespace {
			return ""
		}
		return name
	}
	return model
}

// candidates are the nodes that so many more replicas will likely run on.
func (f *Forecaster) candidates(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts, model string, more int64) ([]string, error) {
	most := int(or(p.Spec.Forecast.Nodes, 2))
	if model == "" || most == 0 {
		return nil, nil
	}
	var pods corev1.PodList
	if err := f.Reader.List(ctx, &pods, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: "0"}}); err != nil { // from the API server's cache
		return nil, err
	}
	pod := &corev1.Pod{ObjectMeta: facts.Workload.Template.ObjectMeta, Spec: facts.Workload.Template.Spec}
	pod.Namespace = p.Namespace
	label := v1alpha1.ModelLabel(p.Namespace, model)
	holds := func(node string) bool {
		i := slices.IndexFunc(facts.Nodes, func(n corev1.Node) bool { return n.Name == node })
		return i >= 0 && facts.Nodes[i].Labels[label] != ""
	}
	free := capacity.Fit(pod, capacity.World{Nodes: facts.Nodes, Pods: pods.Items})
	cleared := capacity.Fit(pod, capacity.World{Nodes: facts.Nodes, Pods: capacity.Firm(pods.Items)})
	return prewarm.Nodes(cleared, func(node string) bool { return !free.Room(node) }, holds, more, most), nil
}

// hostnames are the labels of nodes, which need not be their names.
func hostnames(all []corev1.Node, names []string) (labels []string) {
	for i := range all {
		if slices.Contains(names, all[i].Name) {
			labels = append(labels, all[i].Labels[corev1.LabelHostname])
		}
	}
	slices.Sort(labels)
	return labels
}

// prewarmKey is that of a policy's Prefetch.
func prewarmKey(p *v1alpha1.ScalePolicy) client.ObjectKey {
	return client.ObjectKey{Namespace: p.Namespace, Name: "scale-" + p.Name}
}

func same(a, b *v1alpha1.ForecastStatus) bool { return equality.Semantic.DeepEqual(a, b) }
