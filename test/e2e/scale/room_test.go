// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/headroom"
)

const placeholders = "hoist-placeholders"

// A placeholder holds the second GPU before demand comes, and gets the weights; any pod takes its place, and it comes back; and the replica that demand
// asks for runs where it was.
func TestCapacity_PlaceholderHoldsAGPUForTheNextReplica(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	now := time.Now().Truncate(time.Minute)
	s.rememberDemandFrom(now, now.Add(3*time.Minute))
	s.gpuServer()
	s.Apply(`
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: roomy, namespace: NAMESPACE}
spec:
  target: {name: llama}
  maxReplicas: 2
  inFlightPerReplica: 2
  forecast: {nodes: 1, query: 'max(remembered{namespace="NAMESPACE"})', capacity: {kind: Placeholders, maxReplicas: 4}}
`)
	first := s.AwaitReady("llama", 1)[0]
	p := s.policy("roomy", "of room for one", func(p *v1alpha1.ScalePolicy) bool {
		f := p.Status.Forecast
		return f != nil && f.Capacity != nil && f.Capacity.Replicas == 1 && len(f.Nodes) == 1
	})
	holds := s.placeholder("roomy", func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning })
	node := holds.Spec.NodeName
	if c := p.Status.Forecast.Capacity; c.Kind != v1alpha1.Placeholders || node == first.Spec.NodeName || *holds.Spec.Priority != -10 {
		t.Fatalf("with %+v the placeholder is on %s, of priority %d, the replica on %s", c, node, *holds.Spec.Priority, first.Spec.NodeName)
	}
	s.policy("roomy", "bringing weights to the placeholder's node", func(p *v1alpha1.ScalePolicy) bool { return slices.Equal(p.Status.Forecast.Nodes, []string{node}) })

	s.Apply(`
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: NAMESPACE, labels: {app: other}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: other, image: IMAGE, resources: {limits: {nvidia.com/gpu: 1}}}]
`)
	if other := s.AwaitReady("other", 1)[0]; other.Spec.NodeName != node {
		t.Errorf("the other pod is on %s, the placeholder was on %s", other.Spec.NodeName, node)
	}
	s.placeholder("roomy", func(pod *corev1.Pod) bool { return pod.UID != holds.UID && pod.Status.Phase == corev1.PodPending })
	if _, err := s.Kubectl(t.Context(), "delete", "pod", "other"); err != nil {
		t.Fatal(err)
	}
	s.placeholder("roomy", func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning && pod.Spec.NodeName == node })

	s.ask(&first, 4)
	s.awaitWants("llama", 2)
	for _, pod := range s.AwaitReady("llama", 2) {
		if pod.Name != first.Name && pod.Spec.NodeName != node {
			t.Errorf("the second replica is on %s, the placeholder was on %s", pod.Spec.NodeName, node)
		}
	}
	s.noPlaceholders("roomy") // with as many replicas as there may be
}

// The object is what the real API takes, and the policy's: it goes when it is asked for no longer, and with the policy.
func TestCapacity_BufferWhereTheClusterHasTheAPI(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	if err := s.Cluster.ServeCapacityBuffers(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Minute)
	s.rememberDemandFrom(now, now.Add(3*time.Minute))
	s.server("llama", 0, "")
	const policy = `
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: buffered, namespace: NAMESPACE}
spec:
  target: {name: llama}
  minReplicas: 0
  maxReplicas: 8
  wake: {query: vector(0)}
  forecast: {nodes: 0, query: 'max(remembered{namespace="NAMESPACE"})', capacity: {maxReplicas: 3}}
`
	s.Apply(policy)
	p := s.policy("buffered", "of room for three", func(p *v1alpha1.ScalePolicy) bool {
		return p.Status.Forecast != nil && p.Status.Forecast.Capacity != nil && p.Status.Forecast.Capacity.Replicas == 3
	})
	if c := p.Status.Forecast.Capacity; c.Kind != v1alpha1.CapacityBuffer || c.Message != "no autoscaler has looked at the CapacityBuffer yet" {
		t.Errorf("its capacity is %+v", c)
	}
	b, err := s.buffer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	replicas, _, _ := unstructured.NestedInt64(b.Object, "spec", "replicas")
	ref, _, _ := unstructured.NestedStringMap(b.Object, "spec", "scalableRef")
	if replicas != 3 || ref["kind"] != "Deployment" || ref["name"] != "llama" || ref["apiGroup"] != "apps" || !metav1.IsControlledBy(b, p) {
		t.Errorf("it is %v", b.Object)
	}
	if _, err := s.Kubectl(t.Context(), "patch", "scalepolicy", "buffered", "--type=merge", "--patch", `{"spec":{"forecast":{"capacity":null}}}`); err != nil {
		t.Fatal(err)
	}
	s.noBuffer()
	s.Apply(policy)
	s.policy("buffered", "of room for three again", func(p *v1alpha1.ScalePolicy) bool {
		return p.Status.Forecast != nil && p.Status.Forecast.Capacity != nil && p.Status.Forecast.Capacity.Replicas == 3
	})
	if _, err := s.Kubectl(t.Context(), "delete", "scalepolicy", "buffered"); err != nil {
		t.Fatal(err)
	}
	s.noBuffer()
}

// rememberDemandFrom gives Prometheus nine days on which demand came at the time of comes, for six hours.
func (s scene) rememberDemandFrom(now, comes time.Time) {
	s.t.Helper()
	s.remember(now, func(at time.Time) int {
		if since := at.Sub(comes) % (24 * time.Hour); (since+24*time.Hour)%(24*time.Hour) < 6*time.Hour {
			return 110
		}
		return 2
	})
}

// gpuServer is the Deployment llama, of one replica with a GPU.
func (s scene) gpuServer() {
	s.t.Helper()
	s.server("llama", 0, "")
	for _, arguments := range [][]string{{"set", "resources", "deployment", "llama", "--limits=nvidia.com/gpu=1"}, {"scale", "deployment", "llama", "--replicas=1"}} {
		if _, err := s.Kubectl(s.t.Context(), arguments...); err != nil {
			s.t.Fatal(err)
		}
	}
}

// placeholder waits for a policy's only placeholder to be as it should.
func (s scene) placeholder(policy string, is func(*corev1.Pod) bool) *corev1.Pod {
	s.t.Helper()
	name := headroom.PlaceholdersName(client.ObjectKey{Namespace: s.Name, Name: policy})
	var found *corev1.Pod
	s.Await("the placeholder of "+policy, func(ctx context.Context) (bool, error) {
		pods, err := s.Client.CoreV1().Pods(placeholders).List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.PlaceholderLabel + "=" + name})
		if err != nil {
			return false, err
		}
		for i := range pods.Items {
			if found = &pods.Items[i]; is(found) {
				return true, nil
			}
		}
		return false, fmt.Errorf("there are %d, the last is %+v", len(pods.Items), found)
	})
	return found
}

// noPlaceholders waits until a policy has none.
func (s scene) noPlaceholders(policy string) {
	s.t.Helper()
	name := headroom.PlaceholdersName(client.ObjectKey{Namespace: s.Name, Name: policy})
	kube, err := client.New(s.Cluster.REST(), client.Options{Scheme: scheme.Scheme})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Await("the placeholders to be gone", func(ctx context.Context) (bool, error) {
		var d appsv1.Deployment
		var pods corev1.PodList
		err := kube.Get(ctx, client.ObjectKey{Namespace: placeholders, Name: name}, &d)
		list := kube.List(ctx, &pods, client.InNamespace(placeholders), client.MatchingLabels{v1alpha1.PlaceholderLabel: name})
		if !apierrors.IsNotFound(err) || len(pods.Items) > 0 {
			return false, errors.Join(client.IgnoreNotFound(err), list, fmt.Errorf("%d pods are there", len(pods.Items)))
		}
		return true, nil
	})
}

// buffer is the CapacityBuffer of the policy buffered.
func (s scene) buffer(ctx context.Context) (*unstructured.Unstructured, error) {
	b := &unstructured.Unstructured{}
	b.SetAPIVersion(headroom.BufferGroup + "/v1beta1")
	b.SetKind(headroom.BufferKind)
	return b, s.Hoist.Get(ctx, client.ObjectKey{Namespace: s.Name, Name: headroom.BufferName("buffered")}, b)
}

func (s scene) noBuffer() {
	s.t.Helper()
	s.Await("the CapacityBuffer to be gone", func(ctx context.Context) (bool, error) {
		_, err := s.buffer(ctx)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
}
