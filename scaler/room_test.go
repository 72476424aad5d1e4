// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/headroom"
)

var (
	bufferAPI = schema.GroupVersionKind{Group: headroom.BufferGroup, Version: "v1beta1", Kind: headroom.BufferKind}
	llamaKey  = client.ObjectKey{Namespace: "team-a", Name: "llama"}
	all       = headroom.May{Buffers: true, Placeholders: true}
	weeks     = 21 * 24 * time.Hour
)

// newRoom is a station whose policy has a budget of three replicas; it has seen the night.
func newRoom(t *testing.T, may headroom.May, kind v1alpha1.CapacityKind, serve ...schema.GroupVersionKind) *station {
	t.Helper()
	s := newStation(t, weeks, func(p *v1alpha1.ScalePolicy) {
		p.Spec.Forecast.Capacity = &v1alpha1.ForecastCapacity{MaxReplicas: 3, Kind: kind}
	}, serve...)
	s.Room = Room{May: may, Made: headroom.Made{Namespace: "hoist-placeholders", Image: "pause", PriorityClass: "hoist-placeholder"}}
	for minute := range 50 {
		s.at(7, minute)
	}
	return s
}

// placed are the replicas of placeholders, or -1 where there are none.
func (s *station) placed() int32 {
	s.t.Helper()
	var d appsv1.Deployment
	err := s.Client.Get(s.t.Context(), client.ObjectKey{Namespace: "hoist-placeholders", Name: headroom.PlaceholdersName(llamaKey)}, &d)
	if apierrors.IsNotFound(err) {
		return -1
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return *d.Spec.Replicas
}

// buffered are the replicas of the CapacityBuffer, or -1 where there is none.
func (s *station) buffered() int64 {
	s.t.Helper()
	b := &unstructured.Unstructured{}
	b.SetGroupVersionKind(bufferAPI)
	err := s.Client.Get(s.t.Context(), client.ObjectKey{Namespace: "team-a", Name: "scale-llama"}, b)
	if apierrors.IsNotFound(err) {
		return -1
	}
	if err != nil {
		s.t.Fatal(err)
	}
	n, _, err := unstructured.NestedInt64(b.Object, "spec", "replicas")
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// change changes the policy.
func (s *station) change(change func(*v1alpha1.ScalePolicy)) {
	s.t.Helper()
	var p v1alpha1.ScalePolicy
	if err := s.Client.Get(s.t.Context(), llamaKey, &p); err != nil {
		s.t.Fatal(err)
	}
	change(&p)
	if err := s.Client.Update(s.t.Context(), &p); err != nil {
		s.t.Fatal(err)
	}
}

// A node's time before the weights there is room for the morning, within the budget; replicas that are asked for take its place at once, and what is
// not needed any more goes.
func TestForecaster_KeepsRoomBeforeTheMorning(t *testing.T) {
	t.Parallel()
	for _, kind := range []v1alpha1.CapacityKind{v1alpha1.Placeholders, v1alpha1.CapacityBuffer} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newRoom(t, all, kind, bufferAPI)
			room := func() int32 {
				if kind == v1alpha1.Placeholders {
					return s.placed()
				}
				return int32(s.buffered())
			}
			if f, _ := s.at(3, 0); room() != -1 || f.Capacity.Replicas != 0 || f.Capacity.Kind != kind {
				t.Fatalf("at night it has room for %d: %+v", room(), f.Capacity)
			}
			f, prefetch := s.at(7, 52)
			if room() != 3 || f.Capacity.Replicas != 3 || f.Capacity.Kind != kind || prefetch != nil || f.Replicas != 1 {
				t.Fatalf("eight minutes ahead it has room for %d: %+v", room(), f)
			}
			if f, prefetch = s.at(7, 57); room() != 3 || prefetch == nil {
				t.Errorf("three minutes ahead it has room for %d, and %v", room(), prefetch)
			}
			p := &v1alpha1.ScalePolicy{Status: v1alpha1.ScalePolicyStatus{Forecast: f}}
			p.Namespace, p.Name, p.UID = "team-a", "llama", "0a1b"
			p.Spec.Target = v1alpha1.ScaleTarget{Kind: "Deployment", Name: "llama"}
			for _, step := range []struct{ wanted, room int32 }{{2, 3}, {3, 2}, {2, 2}, {4, 1}, {5, 0}, {1, 0}} { // it grows in a pass alone
				s.facts.Workload.Wanted = step.wanted
				if err := s.Follow(t.Context(), p, s.facts); err != nil || room() != step.room || p.Status.Forecast.Capacity.Replicas != step.room {
					t.Errorf("with %d wanted there is room for %d: %+v, %v", step.wanted, room(), p.Status.Forecast.Capacity, err)
				}
			}
			s.facts.Workload.Wanted, s.facts.Workload.Replicas = 4, 4
			if s.at(7, 58); room() != 1 {
				t.Errorf("with four there is room for %d", room())
			}
			s.facts.Workload.Wanted, s.facts.Workload.Replicas = 5, 5
			if f, _ := s.at(7, 59); room() != -1 || f.Capacity.Replicas != 0 {
				t.Errorf("with five there is room for %d: %+v", room(), f.Capacity)
			}
		})
	}
}

// What is asked for no longer goes: another kind, no capacity, no forecast, a policy that is suspended or gone, a forecast that nobody knows.
func TestForecaster_LetsRoomGo(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change       func(*station)
		room         int32
		buffer       int64
		forecast     bool
		prefetchGoes bool
	}{
		"another kind": {func(s *station) {
			s.change(func(p *v1alpha1.ScalePolicy) { p.Spec.Forecast.Capacity.Kind = v1alpha1.AutoCapacity })
		}, -1, 3, true, false},
		"no capacity": {func(s *station) {
			s.change(func(p *v1alpha1.ScalePolicy) { p.Spec.Forecast.Capacity = nil })
		}, -1, -1, true, false},
		"no forecast": {func(s *station) {
			s.change(func(p *v1alpha1.ScalePolicy) { p.Spec.Forecast = nil })
		}, -1, -1, false, true},
		"suspended": {func(s *station) {
			s.change(func(p *v1alpha1.ScalePolicy) { p.Spec.Suspend = true })
		}, -1, -1, true, true},
		"nobody knows": {func(s *station) { s.facts.Workload = nil }, -1, -1, true, true},
		"another name's": {func(s *station) {
			var d appsv1.Deployment
			key := client.ObjectKey{Namespace: "hoist-placeholders", Name: headroom.PlaceholdersName(llamaKey)}
			if err := s.Client.Get(s.t.Context(), key, &d); err != nil {
				s.t.Fatal(err)
			}
			d.Name, d.ResourceVersion, d.UID = "odd", "", "odd"
			if err := s.Client.Create(s.t.Context(), &d); err != nil {
				s.t.Fatal(err)
			}
		}, 3, -1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newRoom(t, all, v1alpha1.Placeholders, bufferAPI)
			if _, prefetch := s.at(7, 57); s.placed() != 3 || prefetch == nil {
				t.Fatalf("it has room for %d, and %v", s.placed(), prefetch)
			}
			row.change(s)
			f, prefetch := s.at(7, 58)
			if s.placed() != row.room || s.buffered() != row.buffer || (f != nil) != row.forecast || (prefetch == nil) != row.prefetchGoes {
				t.Errorf("it has room for %d and %d, %+v and %v", s.placed(), s.buffered(), f, prefetch)
			}
			var left appsv1.DeploymentList
			if err := s.Client.List(t.Context(), &left); err != nil || len(left.Items) != int(max(row.room, 0))/3 {
				t.Errorf("there are %d Deployments, %v", len(left.Items), err)
			}
		})
	}
}

// Of a policy that is deleted nothing stays, though placeholders lie in another namespace and can't be owned by it.
func TestForecaster_LeavesNoPlaceholdersBehind(t *testing.T) {
	t.Parallel()
	s := newRoom(t, all, v1alpha1.Placeholders)
	if s.at(7, 57); s.placed() != 3 {
		t.Fatalf("it has room for %d", s.placed())
	}
	var p v1alpha1.ScalePolicy
	if err := s.Client.Get(t.Context(), llamaKey, &p); err != nil {
		t.Fatal(err)
	}
	if err := s.Client.Delete(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	if err := s.pass(t.Context()); err != nil || s.placed() != -1 {
		t.Errorf("it has room for %d, %v", s.placed(), err)
	}
	s.facts.Workload.Wanted = 3
	if err := s.Follow(t.Context(), &p, s.facts); err != nil || s.placed() != -1 {
		t.Errorf("a last look at its workload made room for %d, %v", s.placed(), err)
	}
}

// Why there is no room is said, with what to do.
func TestForecaster_SaysWhyThereIsNoRoom(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		may    headroom.May
		kind   v1alpha1.CapacityKind
		serve  []schema.GroupVersionKind
		broken func(*station)
		says   string
		room   int32
	}{
		"neither":       {headroom.May{}, v1alpha1.AutoCapacity, []schema.GroupVersionKind{bufferAPI}, nil, "scaler.capacity.buffers", 0},
		"placeholders":  {headroom.May{Buffers: true}, v1alpha1.AutoCapacity, nil, nil, "scaler.capacity.placeholders.enabled", 0},
		"no API":        {all, v1alpha1.CapacityBuffer, nil, nil, "no CapacityBuffer API", 0},
		"nobody's eyes": {all, v1alpha1.AutoCapacity, []schema.GroupVersionKind{bufferAPI}, nil, "no autoscaler has looked", 3},
		"pending":       {all, v1alpha1.AutoCapacity, nil, nil, "3 of 3 placeholders have no node yet", 3},
		"claims": {all, v1alpha1.AutoCapacity, nil, func(s *station) {
			if s.at(7, 52); s.placed() != 3 {
				s.t.Fatalf("before, it has room for %d", s.placed())
			}
			s.facts.Workload.Template.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu"}}
		}, "resourceClaims", 0},
		"somebody else's": {all, v1alpha1.AutoCapacity, []schema.GroupVersionKind{bufferAPI}, func(s *station) {
			b := &unstructured.Unstructured{}
			b.SetGroupVersionKind(bufferAPI)
			b.SetNamespace("team-a")
			b.SetName("scale-llama")
			if err := unstructured.SetNestedField(b.Object, int64(42), "spec", "replicas"); err != nil {
				s.t.Fatal(err)
			}
			if err := s.Client.Create(s.t.Context(), b); err != nil {
				s.t.Fatal(err)
			}
		}, "somebody else's", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newRoom(t, row.may, row.kind, row.serve...)
			if row.broken != nil {
				row.broken(s)
			}
			f, prefetch := s.at(7, 57)
			if f.Capacity == nil || f.Capacity.Replicas != row.room || !strings.Contains(f.Capacity.Message, row.says) || f.Message != "" || prefetch == nil {
				t.Errorf("it expects %+v with %+v, and has %v", f, f.Capacity, prefetch)
			}
			if row.room == 0 && s.placed() != -1 {
				t.Errorf("there are placeholders for %d", s.placed())
			}
			if name == "somebody else's" && s.buffered() != 42 {
				t.Errorf("somebody else's has %d", s.buffered())
			}
		})
	}
}

// Room that can't be changed stays as it was, is told of, and holds up nothing else.
func TestForecaster_BringsWeightsThoughRoomCannotBeKept(t *testing.T) {
	t.Parallel()
	s := newRoom(t, all, v1alpha1.Placeholders)
	if s.at(7, 52); s.placed() != 3 {
		t.Fatalf("it has room for %d", s.placed())
	}
	under, ok := s.Client.(client.WithWatch)
	if !ok {
		t.Fatal("the client can't be wrapped")
	}
	s.Client = interceptor.NewClient(under, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, options ...client.PatchOption) error {
		if _, ours := o.(*appsv1.Deployment); ours {
			return errors.New("etcd is away")
		}
		return c.Patch(ctx, o, patch, options...)
	}})
	s.facts.Workload.Replicas = 3
	f, prefetch := s.at(7, 57)
	said, _ := s.expectations()
	if prefetch == nil || f.Replicas != 5 || said["team-a/llama"].replicas != 5 || s.placed() != 3 || f.Capacity.Replicas != 3 || !strings.Contains(f.Capacity.Message, "etcd is away") {
		t.Errorf("it has room for %d: %+v, %+v, and %v", s.placed(), f, f.Capacity, prefetch)
	}
	s.Client = under
	if f, _ = s.at(7, 58); s.placed() != 2 || f.Capacity.Replicas != 2 || strings.Contains(f.Capacity.Message, "etcd") {
		t.Errorf("with etcd back it has room for %d: %+v", s.placed(), f.Capacity)
	}
}

// placeholder is a pod of a policy that keeps a GPU's room on a node.
func placeholder(node string, label string) *corev1.Pod {
	p := &corev1.Pod{Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "placeholder", Resources: corev1.ResourceRequirements{Requests: gpus("1")}}}}}
	priority := int32(-10)
	p.Namespace, p.Name, p.Labels, p.Spec.Priority = "hoist-placeholders", "on-"+node, map[string]string{label: "x"}, &priority
	return p
}

// A node that came for a placeholder gets the weights in the pass after, though the placeholder fills it; one that another pod fills gets none.
func TestForecaster_BringsWeightsToNodesThatHaveJustCome(t *testing.T) {
	t.Parallel()
	s := newRoom(t, all, v1alpha1.Placeholders)
	s.facts.Nodes[0].Status.Allocatable = gpus("0")
	if f, prefetch := s.at(7, 57); f.Nodes != nil || prefetch != nil || s.placed() != 3 {
		t.Fatalf("without a node that takes one it has %+v, %v", f, prefetch)
	}
	for node, label := range map[string]string{"new": v1alpha1.PlaceholderLabel, "taken": "app"} {
		n := *s.facts.Nodes[0].DeepCopy()
		n.Name, n.Labels, n.Status.Allocatable = node, map[string]string{corev1.LabelHostname: "host-" + node}, gpus("1")
		s.facts.Nodes = append(s.facts.Nodes, n)
		if err := s.Client.Create(t.Context(), placeholder(node, label)); err != nil {
			t.Fatal(err)
		}
	}
	f, prefetch := s.at(7, 58)
	if !slices.Equal(f.Nodes, []string{"new"}) || prefetch == nil || !slices.Equal(prefetch.Spec.Nodes.Selector.MatchExpressions[0].Values, []string{"host-new"}) {
		t.Errorf("with new nodes it has %+v, %v", f, prefetch)
	}
}
