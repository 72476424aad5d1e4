// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
	"github.com/hoist-dev/hoist/prefetch/view"
	"github.com/hoist-dev/hoist/webhook/inject"
)

// replicas asks of each Deployment and StatefulSet with a model how many more of its replicas fit into the cluster.
func replicas(ctx context.Context, c cluster) ([]view.Replicas, error) {
	workloads, err := withModels(ctx, c)
	if err != nil || len(workloads) == 0 {
		return nil, err
	}
	w, err := readWorld(ctx, c)
	if err != nil {
		return nil, err
	}
	quotas := map[string][]corev1.ResourceQuota{}
	for i := range workloads {
		one := &workloads[i]
		namespace := one.template.Namespace
		if _, read := quotas[namespace]; !read {
			var list corev1.ResourceQuotaList
			if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
				return nil, explain("list the ResourceQuotas of "+namespace, err)
			}
			quotas[namespace] = list.Items
		}
		w.Quotas = quotas[namespace]
		pod, err := injected(ctx, c, one.template, w.Nodes)
		if err != nil {
			return nil, err
		}
		one.Fit = capacity.Fit(pod, w)
	}
	out := make([]view.Replicas, len(workloads))
	for i := range workloads {
		out[i] = workloads[i].Replicas
	}
	return out, nil
}

// workload is one, and the pod that it makes.
type workload struct {
	view.Replicas
	template *corev1.Pod
}

func withModels(ctx context.Context, c cluster) (all []workload, err error) {
	add := func(kind string, meta *metav1.ObjectMeta, template *corev1.PodTemplateSpec, wants, ready int32) {
		request, err := inject.Parse(template.Annotations, meta.Namespace)
		if !inject.Asks(template.Annotations) || err != nil {
			return
		}
		pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: template.Spec}
		pod.Namespace = meta.Namespace
		all = append(all, workload{view.Replicas{Workload: kind + "/" + meta.Name, Namespace: meta.Namespace, Model: plan.Key{Namespace: request.Model.Namespace, Name: request.Model.Name},
			Wants: wants, Ready: ready}, pod})
	}
	var deployments appsv1.DeploymentList
	if err := c.List(ctx, &deployments); err != nil {
		return nil, explain("list Deployments", err)
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		add("deployment", &d.ObjectMeta, &d.Spec.Template, wanted(d.Spec.Replicas), d.Status.ReadyReplicas)
	}
	var sets appsv1.StatefulSetList
	if err := c.List(ctx, &sets); err != nil {
		return nil, explain("list StatefulSets", err)
	}
	for i := range sets.Items {
		s := &sets.Items[i]
		add("statefulset", &s.ObjectMeta, &s.Spec.Template, wanted(s.Spec.Replicas), s.Status.ReadyReplicas)
	}
	return all, nil
}

func wanted(replicas *int32) int32 {
	if replicas == nil {
		return 1
	}
	return *replicas
}

// injected is a pod as the webhook lets it in.
func injected(ctx context.Context, c cluster, pod *corev1.Pod, nodes []corev1.Node) (*corev1.Pod, error) {
	var f inject.Facts
	for i := range nodes {
		_, says := nodes[i].Labels[view.GPUMemory]
		f.MemoryLabels = f.MemoryLabels || says
	}
	request, err := inject.Parse(pod.Annotations, pod.Namespace)
	if err != nil {
		return pod, nil //nolint:nilerr // it starts without its model, as the webhook has told its author
	}
	var model v1alpha1.Model
	if err := c.Get(ctx, client.ObjectKey{Namespace: request.Model.Namespace, Name: request.Model.Name}, &model); err == nil {
		f.Model = &model
	} else if client.IgnoreNotFound(err) != nil {
		return nil, explain("read Model "+request.Model.Name, err)
	}
	after, _ := inject.Pod(pod, pod.Namespace, f)
	return after, nil
}

// readWorld reads the nodes, and the pods that take room on them and make no way.
func readWorld(ctx context.Context, c cluster) (w capacity.World, err error) {
	var nodes corev1.NodeList
	if err := c.List(ctx, &nodes); err != nil {
		return w, explain("list nodes", err)
	}
	var pods corev1.PodList
	if err := c.List(ctx, &pods); err != nil {
		return w, explain("list the pods of all namespaces", err)
	}
	return capacity.World{Nodes: nodes.Items, Pods: capacity.Firm(pods.Items)}, nil
}
