// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
)

// starts looks at the target's pods, when more of them are Ready than were, or than starts are known.
func (r *PolicyReconciler) starts(ctx context.Context, p *v1alpha1.ScalePolicy, f Facts) error {
	if w := f.Workload; w.Ready == 0 || w.Ready <= p.Status.ReadyReplicas && coldstart.Known(p.Status.ColdStart, w.Ready) {
		return nil
	}
	pods, err := r.pods(ctx, p.Namespace, f.Workload)
	if err != nil {
		return err
	}
	var seen []coldstart.Seen
	for _, pod := range coldstart.News(p.Status.ColdStart, pods) {
		events, err := r.events(ctx, pod)
		if err != nil {
			return err
		}
		seen = append(seen, coldstart.Seen{Pod: pod, Node: nodeOf(pod, f.Nodes), Events: events})
	}
	p.Status.ColdStart = coldstart.Add(p.Status.ColdStart, seen)
	return nil
}

// events are those of a pod; none where they may not be read, for what a start met is worth less than scaling.
func (r *PolicyReconciler) events(ctx context.Context, pod *corev1.Pod) ([]corev1.Event, error) {
	var events corev1.EventList
	err := r.Reader.List(ctx, &events, client.InNamespace(pod.Namespace), client.MatchingFields{"involvedObject.uid": string(pod.UID)})
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	return events.Items, err
}

func nodeOf(pod *corev1.Pod, nodes []corev1.Node) *corev1.Node {
	i := slices.IndexFunc(nodes, func(n corev1.Node) bool { return n.Name == pod.Spec.NodeName })
	if i < 0 {
		return nil
	}
	return &nodes[i]
}
