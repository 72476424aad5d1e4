// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package headroom_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/headroom"
)

// Room is never above the budget, nor for more replicas than are expected or may be; and replicas that come take its place one by one.
func TestReplicas_Promises(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		budget, expected, most, there := 1+r.Int32N(100), r.Int32N(40), r.Int32N(40), r.Int32N(40)
		n := headroom.Replicas(budget, expected, most, there)
		if n < 0 || n > budget || n > 0 && (there+n > most || there+n > expected) {
			t.Fatalf("budget %d, expected %d, most %d, there %d: %d", budget, expected, most, there, n)
		}
		if wanted := min(expected, most) - there; n < budget && n < wanted {
			t.Fatalf("budget %d, expected %d, most %d, there %d: %d, and more could be", budget, expected, most, there, n)
		}
		if next := headroom.Replicas(budget, expected, most, there+1); next > n || n > 0 && next < n-1 {
			t.Fatalf("budget %d, expected %d, most %d, there %d: %d, and then %d", budget, expected, most, there, n, next)
		}
	}
}

var named = []corev1.ResourceName{"cpu", "memory", "nvidia.com/gpu", "hugepages-2Mi", "ephemeral-storage"}

// random is a container's resources: requests, limits, or both.
func random(r *rand.Rand) (c corev1.ResourceRequirements) {
	c.Requests, c.Limits = corev1.ResourceList{}, corev1.ResourceList{}
	for _, name := range named {
		q := *resource.NewQuantity(1+r.Int64N(9), resource.DecimalSI)
		if r.IntN(2) == 0 {
			c.Limits[name] = q
		}
		if r.IntN(2) == 0 {
			c.Requests[name] = q
		}
	}
	return c
}

func asked(c *corev1.Container, name corev1.ResourceName) int64 {
	if q, ok := c.Resources.Requests[name]; ok {
		return q.Value()
	}
	limit := c.Resources.Limits[name]
	return limit.Value()
}

// takes adds up what a pod takes, in another way: as each container starts, those that run beside it.
func takes(spec *corev1.PodSpec, name corev1.ResourceName) (most int64) {
	var beside int64
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		if c.RestartPolicy != nil {
			beside += asked(c, name)
		}
		most = max(most, beside)
		if c.RestartPolicy == nil {
			most = max(most, beside+asked(c, name))
		}
	}
	for i := range spec.Containers {
		beside += asked(&spec.Containers[i], name)
	}
	overhead := spec.Overhead[name]
	return max(most, beside) + overhead.Value()
}

// A placeholder takes what the target's pod does, and so a node has room for as many of one as of the other.
func TestPlaceholders_TakeWhatTheTargetsPodsDo(t *testing.T) {
	t.Parallel()
	always := corev1.ContainerRestartPolicyAlways
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 3))
		var pod corev1.PodTemplateSpec
		for range r.IntN(4) {
			c := corev1.Container{Resources: random(r)}
			if r.IntN(2) == 0 {
				c.RestartPolicy = &always
			}
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
		}
		for range 1 + r.IntN(3) {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Resources: random(r)})
		}
		if r.IntN(3) == 0 {
			pod.Spec.Overhead = corev1.ResourceList{"cpu": *resource.NewQuantity(3, resource.DecimalSI)}
		}
		before := pod.DeepCopy()
		d, err := headroom.Placeholders(llama(), &pod, "", 1, made)
		if err != nil {
			t.Fatal(err)
		}
		if pod.String() != before.String() {
			t.Fatalf("seed %d: the target was changed", seed)
		}
		got := d.Spec.Template.Spec
		for _, name := range named {
			want, request := takes(&pod.Spec, name), got.Containers[0].Resources.Requests[name]
			if request.Value() != want {
				t.Fatalf("seed %d: it takes %s of %s, want %d of %+v", seed, request.String(), name, want, pod.Spec)
			}
			limit, limited := got.Containers[0].Resources.Limits[name]
			if hard := name == "nvidia.com/gpu" || strings.HasPrefix(string(name), "hugepages-"); limited != (hard && want > 0) || limited && limit.Cmp(request) != 0 {
				t.Fatalf("seed %d: its limit of %s is %s, it asks for %s", seed, name, limit.String(), request.String())
			}
		}
		node := corev1.Node{}
		node.Status.Conditions, node.Status.Allocatable = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}, corev1.ResourceList{}
		for _, name := range named {
			node.Status.Allocatable[name] = *resource.NewQuantity(r.Int64N(200), resource.DecimalSI)
		}
		w := capacity.World{Nodes: []corev1.Node{node}}
		if a, b := capacity.Fit(&corev1.Pod{Spec: pod.Spec}, w), capacity.Fit(&corev1.Pod{Spec: got}, w); a.More != b.More {
			t.Fatalf("seed %d: %d of the target's pods fit, and %d placeholders", seed, a.More, b.More)
		}
	}
}

// Limits of a pod count where its containers ask for none of it.
func TestPlaceholders_TakeWhatIsAskedForThePod(t *testing.T) {
	t.Parallel()
	pod := template(t, `
spec:
  resources: {limits: {cpu: "8", memory: 16Gi}}
  containers: [{name: a, image: a, resources: {requests: {cpu: "2"}}}, {name: b, image: b}]
`)
	d, err := headroom.Placeholders(llama(), pod, "", 1, made)
	if err != nil {
		t.Fatal(err)
	}
	if r := d.Spec.Template.Spec.Containers[0].Resources.Requests; r.Cpu().String() != "2" || r.Memory().String() != "16Gi" {
		t.Errorf("it asks for %v", r)
	}
}

// Names are valid, and those of two policies never the same, however long they are.
func TestNames_AreValidAndApart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 240)
	keys := []client.ObjectKey{{Namespace: "a", Name: "b-c"}, {Namespace: "a-b", Name: "c"}, {Namespace: "a", Name: "b.c"}, {Namespace: "team-a", Name: long + ".x"}, {Namespace: "team-a", Name: long + ".y"},
		{Namespace: strings.Repeat("n", 43), Name: "-x"}, {Namespace: strings.Repeat("n", 63), Name: long}}
	seen := map[string]bool{}
	for _, key := range keys {
		placeholders := headroom.PlaceholdersName(key)
		if problems := append(validation.IsDNS1123Label(placeholders), validation.IsValidLabelValue(placeholders)...); len(problems) > 0 || seen[placeholders] {
			t.Errorf("placeholders of %s: %s, %v, there already: %v", key, placeholders, problems, seen[placeholders])
		}
		buffer := headroom.BufferName(key.Name)
		if problems := validation.IsDNS1123Subdomain("capacitybuffer-" + strings.TrimPrefix(buffer, "-") + "-pod-template"); len(problems) > 0 || seen[key.Namespace+buffer] {
			t.Errorf("buffer of %s: %s, %v, there already: %v", key, buffer, problems, seen[key.Namespace+buffer])
		}
		seen[placeholders], seen[key.Namespace+buffer] = true, true
	}
}

// What is chosen may be made, and is what was asked for; what can't be says which value of the chart to set.
func TestChoose(t *testing.T) {
	t.Parallel()
	const buffers, placeholders = v1alpha1.CapacityBuffer, v1alpha1.Placeholders
	for _, asked := range []v1alpha1.CapacityKind{"", v1alpha1.AutoCapacity, buffers, placeholders} {
		for bits := range 8 {
			served, may := bits&1 > 0, headroom.May{Buffers: bits&2 > 0, Placeholders: bits&4 > 0}
			canBuffer := served && may.Buffers && asked != placeholders
			canPlace := may.Placeholders && asked != buffers
			want := v1alpha1.CapacityKind("")
			switch {
			case canBuffer:
				want = buffers
			case canPlace:
				want = placeholders
			}
			kind, message := headroom.Choose(asked, served, may)
			if kind != want || (message == "") != (kind != "") {
				t.Errorf("%s, served %v, may %+v: %s %q, want %s", asked, served, may, kind, message, want)
			}
			if kind == "" && !strings.Contains(message, "set ") {
				t.Errorf("%s, served %v, may %+v: %q says not what to do", asked, served, may, message)
			}
		}
	}
}
