// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package inject_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/capacity"
)

// What capacity says fits is what the scheduler places, and it stops the next pod for the reason that was told.
func TestCapacity_AgreesWithTheScheduler(t *testing.T) { //nolint:paralleltest // takes all GPUs
	s := newScene(t)
	s.Apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: many, namespace: NAMESPACE}
spec:
  replicas: 0
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: server
          image: IMAGE
          args: [serve, ":8080"]
          resources: {limits: {nvidia.com/gpu: 2}, requests: {cpu: 1m, memory: 1Mi}}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`)
	told := s.fit(t.Context(), "many")
	if told.More == 0 || len(told.Stops) == 0 || told.Stops[0].Resource != "nvidia.com/gpu" {
		t.Fatalf("it says %+v", told)
	}
	scale := func(replicas int64) {
		t.Helper()
		if _, err := s.Kubectl(t.Context(), "scale", "deployment/many", fmt.Sprintf("--replicas=%d", replicas), "--namespace="+s.Name); err != nil {
			t.Fatal(err)
		}
	}
	scale(told.More + 2)
	defer scale(0)
	s.Await("the scheduler to have looked at all", func(ctx context.Context) (bool, error) {
		pods, err := s.pods(ctx, "many")
		var placed, refused int64
		for i := range pods {
			switch condition(&pods[i], corev1.PodScheduled).Status {
			case corev1.ConditionTrue:
				placed++
			case corev1.ConditionFalse:
				refused++
			case corev1.ConditionUnknown:
			}
		}
		if placed > told.More {
			t.Fatalf("%d were told to fit, and %d are placed", told.More, placed)
		}
		if placed != told.More || refused != 2 {
			return false, fmt.Errorf("%d placed, %d refused, %w", placed, refused, err)
		}
		return true, nil
	})
	if now := s.fit(t.Context(), "many"); now.More != 0 {
		t.Errorf("with the scheduler done it says %+v", now)
	}
	s.Apply("{apiVersion: v1, kind: ResourceQuota, metadata: {name: gpus, namespace: NAMESPACE}, spec: {hard: {requests.nvidia.com/gpu: 1}}}")
	s.Await("the quota to be what stops the next", func(ctx context.Context) (bool, error) {
		now := s.fit(ctx, "many")
		if now.Stops[0].Stop != capacity.Quota {
			return false, fmt.Errorf("it says %+v", now)
		}
		return true, nil
	})
}

// fit is how many more pods of a Deployment are told to fit.
func (s scene) fit(ctx context.Context, deployment string) capacity.Answer {
	s.t.Helper()
	core := s.Client.CoreV1()
	d, err := s.Client.AppsV1().Deployments(s.Name).Get(ctx, deployment, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	nodes, err := core.Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	pods, err := core.Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	quotas, err := core.ResourceQuotas(s.Name).List(ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: d.Spec.Template.ObjectMeta, Spec: d.Spec.Template.Spec}
	pod.Namespace = s.Name
	return capacity.Fit(pod, capacity.World{Nodes: nodes.Items, Pods: pods.Items, Quotas: quotas.Items})
}
