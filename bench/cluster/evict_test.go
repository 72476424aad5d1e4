// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/controller-runtime/pkg/client"
	fakeclient "sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// cached is a benchmark of a model that the node "has" holds, and the node "had" does not, whose agents do as they are told.
func cached(t *testing.T, annotations map[string]string, clockAhead time.Duration, deaf bool) *bench {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	model := &v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "llama", Annotations: annotations}, Status: v1alpha1.ModelStatus{Revision: "sha256:1", Bytes: 100}}
	copied := v1alpha1.CacheNodeStatus{Models: []v1alpha1.HeldModel{{Namespace: "ns", Name: "llama", Phase: v1alpha1.ReadyPhase, BytesDone: 100}}}
	used := time.Now().Add(clockAhead)
	var objects []client.Object
	var nodes []runtime.Object
	for _, name := range []string{"had", "has"} {
		node := &v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if name == "has" {
			node.Status = copied
		}
		objects = append(objects, node)
		nodes = append(nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}})
	}
	hoist := fakeclient.NewClientBuilder().WithScheme(scheme).WithObjects(append(objects, model)...).WithInterceptorFuncs(interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if err := c.List(ctx, list, options...); err != nil {
				return err
			}
			nodes, are := list.(*v1alpha1.CacheNodeList)
			if !are {
				return nil
			}
			var m v1alpha1.Model
			var p v1alpha1.PrefetchList
			if err := errors.Join(c.Get(ctx, client.ObjectKeyFromObject(model), &m), c.List(ctx, &p)); err != nil {
				return err
			}
			before, err := time.Parse(time.RFC3339Nano, m.Annotations[v1alpha1.EvictBeforeAnnotation])
			for i := range nodes.Items {
				switch evict := err == nil && used.Before(before); {
				case len(p.Items) > 0 && !deaf:
					nodes.Items[i].Status = copied
				case evict:
					nodes.Items[i].Status.Models = nil
				}
			}
			return nil
		},
	}).Build()
	b := &bench{Config: Config{Kube: fake.NewClientset(nodes...), Hoist: hoist, Patience: time.Minute, Nodes: 1}, target: &target{model: plan.Key{Namespace: "ns", Name: "llama"}}}
	var err error
	if b.model, err = b.readModel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.before, err = b.holdings(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.takeOver()
	return b
}

func (b *bench) says(t *testing.T) (annotations map[string]string, prefetch *v1alpha1.Prefetch) {
	t.Helper()
	m, err := b.readModel(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	prefetch = new(v1alpha1.Prefetch)
	if err := b.Hoist.Get(t.Context(), client.ObjectKey{Namespace: "ns", Name: b.prefetchName()}, prefetch); err != nil {
		if !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		prefetch = nil
	}
	return m.Annotations, prefetch
}

// Copies go also where the clock of their node is ahead, and who had one has one again.
func TestEvict_AsksAgainAndIsUndone(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 12 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := cached(t, map[string]string{v1alpha1.EvictBeforeAnnotation: "1999-01-01T00:00:00Z"}, ahead, false)
			if err := b.evict(t.Context()); err != nil {
				t.Fatal(err)
			}
			if annotations, _ := b.says(t); annotations[HoldersAnnotation] != "has" {
				t.Errorf("a benchmark that is killed leaves %v", annotations)
			}
			if err := b.restoreCopies(t.Context()); err != nil {
				t.Fatal(err)
			}
			annotations, prefetch := b.says(t)
			if len(annotations) != 1 || annotations[v1alpha1.EvictBeforeAnnotation] != "1999-01-01T00:00:00Z" || prefetch != nil {
				t.Errorf("%v is left, and %v", annotations, prefetch)
			}
		})
	}
}

// A benchmark that was killed has left nodes without a copy: the next one brings it back.
func TestTakeOver_BringsBackWhatOneThatWasKilledTook(t *testing.T) {
	t.Parallel()
	b := cached(t, map[string]string{HoldersAnnotation: "had,has,no-more", v1alpha1.EvictBeforeAnnotation: "1999-01-01T00:00:00Z"}, 0, false)
	var asked []string
	b.Step = func(step string) { asked = append(asked, step) }
	if err := b.restoreCopies(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(asked, "\n"); !strings.Contains(said, "bring the model back to had (") {
		t.Errorf("it says %q", said)
	}
	if annotations, prefetch := b.says(t); len(annotations) > 0 || prefetch != nil {
		t.Errorf("%v is left, and %v", annotations, prefetch)
	}
}

// Where copies do not come back in time, the Prefetch stays and goes on, and the next benchmark knows.
func TestRestoreCopies_KeepsThePrefetchThatBringsThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := cached(t, map[string]string{HoldersAnnotation: "had"}, 0, true)
		err := b.restoreCopies(t.Context())
		if err == nil || !strings.Contains(err.Error(), "Prefetch hoist-bench-llama") {
			t.Errorf("it says %v", err)
		}
		annotations, prefetch := b.says(t)
		if annotations[HoldersAnnotation] != "had" || prefetch == nil {
			t.Errorf("%v is left, and %v", annotations, prefetch)
		}
	})
}
