// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/disk"
	"github.com/hoist-dev/hoist/cachenode/fetch"
	"github.com/hoist-dev/hoist/cachenode/formats"
)

// station is the agent of node1, on a real disk, in a cluster and with an origin in memory.
type station struct {
	client.Client
	t          *testing.T
	node       *agent.Node
	origin     *cachetest.MemSource
	sources    *origin.Sources
	reporter   *Reporter
	reconciler *Reconciler
	mounts     *Mounts
	told       chan string
}

func newStation(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *station {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	objects = append(objects, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node1", UID: "uid-of-node1"}})
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.CacheNode{}, &v1alpha1.Model{}).WithInterceptorFuncs(funcs).Build()
	store, err := disk.Open(filepath.Join(t.TempDir(), "cache"), disk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	scheduler, err := fetch.New(fetch.Config{Buffers: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	node := agent.NewNode(agent.Options{Store: store, Scheduler: scheduler, Metrics: agent.NewMetrics("test"), Log: log, Version: "test", KeepNames: true,
		Inspector: func(s cachenode.Selection) cachenode.Inspector { return formats.Inspector{AllowPickle: s.AllowPickle} }})
	t.Cleanup(func() {
		node.Close()
		if err := errors.Join(scheduler.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	mem := cachetest.NewSource(map[string][]byte{"llama/config.json": []byte("{}"), "llama/tokenizer.json": make([]byte, 1<<20)})
	sources := &origin.Sources{Reader: c, Open: func(context.Context, origin.Access) (cachenode.Source, error) { return mem, nil }}
	images := NewImages(nil, log)
	counts := new(Counts)
	recorder := events.NewFakeRecorder(100)
	reporter := &Reporter{NodeName: "node1", Node: node, Client: c, Direct: c, Counts: counts, Images: images, Log: log}
	return &station{Client: c, t: t, node: node, origin: mem, sources: sources, reporter: reporter, told: recorder.Events,
		reconciler: &Reconciler{NodeName: "node1", Node: node, Client: c, Sources: sources, Reporter: reporter, Images: images, Log: log},
		mounts:     &Mounts{Node: node, Reader: c, Sources: sources, Events: recorder, Counts: counts}}
}

// llama is the Model, pinned to what the origin has now.
func (s *station) llama(change func(*v1alpha1.Model)) *v1alpha1.Model {
	s.t.Helper()
	m := &v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "llama"}, Spec: v1alpha1.ModelSpec{Source: "s3://" + cachetest.Bucket + "/llama/"}}
	found, err := s.sources.Resolve(s.t.Context(), m)
	if err != nil {
		s.t.Fatal(err)
	}
	m.Status.Revision = string(found.Revision())
	if change != nil {
		change(m)
	}
	status := m.Status
	if err := s.Create(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
	m.Status = status
	if err := s.Status().Update(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// shall has node1 told what to hold.
func (s *station) shall(models ...*v1alpha1.Model) {
	s.t.Helper()
	node := &v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: "node1"}}
	if err := client.IgnoreNotFound(s.Get(s.t.Context(), client.ObjectKeyFromObject(node), node)); err != nil {
		s.t.Fatal(err)
	}
	node.Spec.Models = nil
	for _, m := range models {
		node.Spec.Models = append(node.Spec.Models, v1alpha1.WantedModel{Namespace: m.Namespace, Name: m.Name, Revision: m.Status.Revision})
	}
	write := func() error { return s.Update(s.t.Context(), node) }
	if node.ResourceVersion == "" {
		write = func() error { return s.Create(s.t.Context(), node) }
	}
	if err := write(); err != nil {
		s.t.Fatal(err)
	}
	s.reconcile()
}

func (s *station) reconcile() ctrl.Result {
	s.t.Helper()
	result, err := s.reconciler.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Name: "node1"}})
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

// awaitPhase waits until the node says so of llama.
func (s *station) awaitPhase(want v1alpha1.Phase) v1alpha1.HeldModel {
	s.t.Helper()
	for s.t.Context().Err() == nil {
		for _, m := range s.reporter.now().Models {
			if m.Name == "llama" && m.Phase == want {
				return m
			}
		}
		<-time.After(time.Millisecond)
	}
	s.t.Fatal(s.t.Context().Err())
	return v1alpha1.HeldModel{}
}
