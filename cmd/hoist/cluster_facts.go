// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
	"github.com/hoist-dev/hoist/scaler/doctor"
	"github.com/hoist-dev/hoist/scaler/kueue"
	"github.com/hoist-dev/hoist/webhook/inject"
)

// surroundings are what all ScaledObjects of a cluster share, each read once.
type surroundings struct {
	c     cluster
	keda  *doctor.KEDA
	world *capacity.World
}

// examine reads what a cluster says of one.
func (s *surroundings) examine(ctx context.Context, o *doctor.Object) (*doctor.Facts, error) {
	f := &doctor.Facts{}
	selector, err := target(ctx, s.c, o, f)
	if err != nil {
		return nil, err
	}
	var quotas corev1.ResourceQuotaList
	if err := s.c.List(ctx, &quotas, client.InNamespace(o.Namespace)); err != nil {
		return nil, explain("list the ResourceQuotas of "+o.Namespace, err)
	}
	f.Quotas = quotas.Items
	var hpa autoscalingv2.HorizontalPodAutoscaler
	if err := s.c.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: cmp.Or(o.Status.HPAName, "keda-hpa-"+o.Name)}, &hpa); err == nil {
		for _, condition := range hpa.Status.Conditions {
			if condition.Type == autoscalingv2.ScalingActive && condition.Status == corev1.ConditionFalse {
				f.HPA = condition.Message
			}
		}
	}
	s.pods(ctx, o, f, selector)
	if s.keda == nil {
		s.keda = readKEDA(ctx, s.c)
	}
	f.KEDA = s.keda
	return f, nil
}

// pods reads the target's, and what they need; who may not read it is told less.
func (s *surroundings) pods(ctx context.Context, o *doctor.Object, f *doctor.Facts, selected *metav1.LabelSelector) {
	if selected == nil || f.Pod == nil {
		return
	}
	var pods corev1.PodList
	if selector, err := metav1.LabelSelectorAsSelector(selected); err == nil && s.c.List(ctx, &pods, client.InNamespace(o.Namespace), client.MatchingLabelsSelector{Selector: selector}) == nil {
		f.Pods = pods.Items
	}
	f.ColdStart = coldStart(ctx, s.c, o, f.Pods)
	if q, err := kueue.Read(ctx, s.c, f.Pod); err == nil {
		f.Kueue = q
	}
	f.Fit = s.fit(ctx, f)
}

// coldStart is how many seconds a slow one takes: as a policy has measured, or else the pods that there are.
func coldStart(ctx context.Context, c cluster, o *doctor.Object, pods []corev1.Pod) int32 {
	if owner := metav1.GetControllerOf(&o.ObjectMeta); owner != nil && owner.Kind == "ScalePolicy" {
		var policy v1alpha1.ScalePolicy
		if err := c.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: owner.Name}, &policy); err == nil {
			return coldstart.Slow(policy.Status.ColdStart)
		}
	}
	var seen []coldstart.Seen
	for _, pod := range coldstart.News(nil, pods) {
		seen = append(seen, coldstart.Seen{Pod: pod})
	}
	return coldstart.Slow(coldstart.Add(nil, seen))
}

// fit is how many more pods of the target fit into the cluster, and nil for those who may not look into all of it.
func (s *surroundings) fit(ctx context.Context, f *doctor.Facts) *capacity.Answer {
	if s.world == nil {
		w, err := readWorld(ctx, s.c)
		if err != nil {
			w = capacity.World{} // it is not asked for again
		}
		s.world = &w
	}
	if len(s.world.Nodes) == 0 {
		return nil
	}
	pod := f.Pod
	if inject.Asks(pod.Annotations) {
		if after, err := injected(ctx, s.c, pod, s.world.Nodes); err == nil {
			pod = after
		}
	}
	answer := capacity.Fit(pod, capacity.World{Nodes: s.world.Nodes, Pods: s.world.Pods, Quotas: f.Quotas})
	return &answer
}

// target reads the workload that is scaled, and which pods are its own. One of another kind than is known here counts as there, with pods of which
// nothing is known.
func target(ctx context.Context, c cluster, o *doctor.Object, f *doctor.Facts) (*metav1.LabelSelector, error) {
	key := client.ObjectKey{Namespace: o.Namespace, Name: o.Spec.ScaleTargetRef.Name}
	template := func(t *corev1.PodTemplateSpec) *corev1.Pod {
		pod := &corev1.Pod{ObjectMeta: *t.ObjectMeta.DeepCopy(), Spec: t.Spec}
		pod.Namespace = o.Namespace
		return pod
	}
	switch o.Spec.ScaleTargetRef.Kind {
	case "", "Deployment":
		var d appsv1.Deployment
		if err := c.Get(ctx, key, &d); err != nil {
			return nil, explain("read Deployment "+key.Name, client.IgnoreNotFound(err))
		}
		f.Pod, f.Replicas = template(&d.Spec.Template), d.Status.Replicas
		for _, condition := range d.Status.Conditions {
			if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue {
				f.Failed = condition.Message
			}
		}
		return d.Spec.Selector, nil
	case "StatefulSet":
		var set appsv1.StatefulSet
		if err := c.Get(ctx, key, &set); err != nil {
			return nil, explain("read StatefulSet "+key.Name, client.IgnoreNotFound(err))
		}
		f.Pod, f.Replicas = template(&set.Spec.Template), set.Status.Replicas
		if set.Status.Replicas < wanted(set.Spec.Replicas) {
			f.Failed = failedCreate(ctx, c, key)
		}
		return set.Spec.Selector, nil
	}
	f.Pod = &corev1.Pod{}
	return nil, nil //nolint:nilnil // its pods are not known
}

// failedCreate is why pods of a StatefulSet can't be made, which has no condition for it, or "".
func failedCreate(ctx context.Context, c cluster, key client.ObjectKey) (message string) {
	var events corev1.EventList
	if err := c.List(ctx, &events, client.InNamespace(key.Namespace), client.MatchingFields{"involvedObject.name": key.Name}); err != nil {
		return ""
	}
	var last time.Time
	for i := range events.Items {
		if e := &events.Items[i]; e.Reason == "FailedCreate" && !e.LastTimestamp.Time.Before(last) {
			message, last = e.Message, e.LastTimestamp.Time
		}
	}
	return message
}
