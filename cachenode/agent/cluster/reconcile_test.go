// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
)

func TestReconcile_BringsWhatTheSpecSaysAndKeepsWhatItSaysNoMore(t *testing.T) {
	t.Parallel()
	s := newStation(t, interceptor.Funcs{})
	llama := s.llama(nil)
	s.shall(llama)
	s.awaitPhase(v1alpha1.ReadyPhase)
	s.shall()
	held := s.awaitPhase(v1alpha1.ReadyPhase) // its bytes stay until their room is needed
	if held.Revision != llama.Status.Revision || len(s.node.Status().Models) != 0 {
		t.Errorf("it holds %+v, and works on %v", held, s.node.Status().Models)
	}
	if err := s.Delete(t.Context(), llama); err != nil {
		t.Fatal(err)
	}
	s.reconcile()
	if models := s.reporter.now().Models; len(models) != 0 {
		t.Errorf("of a Model that is gone it says %+v", models)
	}
}

// Without its CacheNode, or without the API server, a node keeps what it works on.
func TestReconcile_ASpecThatCannotBeReadChangesNothing(t *testing.T) {
	t.Parallel()
	down := false
	s := newStation(t, interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
		if down {
			return errors.New("connection refused")
		}
		return c.Get(ctx, key, o, opts...)
	}})
	s.shall(s.llama(nil))
	s.awaitPhase(v1alpha1.ReadyPhase)
	down = true
	if _, err := s.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Name: "node1"}}); err == nil {
		t.Error("a failure to read is none")
	}
	down = false
	if err := s.Delete(t.Context(), &v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: "node1"}}); err != nil {
		t.Fatal(err)
	}
	s.reconcile()
	if models := s.node.Status().Models; len(models) != 1 {
		t.Errorf("it works on %v", models)
	}
}

// A model that can't even be tried says why, the others go on, and it is tried again.
func TestReconcile_OneModelsTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	s := newStation(t, interceptor.Funcs{})
	llama := s.llama(nil)
	locked := s.llamaLocked()
	s.shall(llama, locked)
	s.awaitPhase(v1alpha1.ReadyPhase)
	if again := s.reconcile().RequeueAfter; again != tryAgain {
		t.Errorf("it looks again in %v", again)
	}
	for _, m := range s.reporter.now().Models {
		if m.Name == "locked" && (m.Phase != v1alpha1.FailedPhase || !strings.Contains(m.Message, "team-a/keys")) {
			t.Errorf("the locked model is %+v", m)
		}
	}
}

// C5: a download that is on its way has its keys. That the API server can't say them again for now does not end it.
func TestReconcile_ASecretThatCannotBeReadForNowEndsNoDownload(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	s := newStation(t, interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
		if _, secret := o.(*corev1.Secret); secret && down.Load() {
			return apierrors.NewServiceUnavailable("etcd has no leader")
		}
		return c.Get(ctx, key, o, opts...)
	}}, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "keys"}, Data: map[string][]byte{"AWS_ACCESS_KEY_ID": []byte("a"), "AWS_SECRET_ACCESS_KEY": []byte("b")}})
	held := &heldSource{Source: s.origin, begun: make(chan struct{}), proceed: make(chan struct{}), ended: make(chan error, 1)}
	llama := s.llama(func(m *v1alpha1.Model) { m.Spec.Credentials = &v1alpha1.Credentials{SecretName: "keys"} })
	s.sources.Open = func(context.Context, origin.Access) (cachenode.Source, error) { return held, nil }
	s.shall(llama)
	<-held.begun
	down.Store(true)
	s.reconcile()
	models := s.node.Status().Models
	close(held.proceed)
	if err := <-held.ended; err != nil || len(models) != 1 {
		t.Fatalf("the download was ended: %v; the node works on %v", err, models)
	}
	s.awaitPhase(v1alpha1.ReadyPhase)
}

// heldSource is an origin whose first listing waits until it may proceed, and then says whether it was ended meanwhile.
type heldSource struct {
	cachenode.Source
	begun, proceed chan struct{}
	ended          chan error
	once           sync.Once
}

func (h *heldSource) Resolve(ctx context.Context, ref cachenode.Ref, s cachenode.Selection) (cachenode.Manifest, error) {
	h.once.Do(func() {
		close(h.begun)
		<-h.proceed
		h.ended <- ctx.Err()
	})
	return h.Source.Resolve(ctx, ref, s)
}

// llamaLocked is another Model, whose Secret is missing.
func (s *station) llamaLocked() *v1alpha1.Model {
	s.t.Helper()
	m := &v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "locked"}, Spec: v1alpha1.ModelSpec{Source: "s3://models/llama/", Credentials: &v1alpha1.Credentials{SecretName: "keys"}}}
	if err := s.Create(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
	m.Status.Revision = string(revisionOf("x"))
	return m
}

func TestReconcile_EvictsWhatItsOwnerAsksFor(t *testing.T) {
	t.Parallel()
	s := newStation(t, interceptor.Funcs{})
	llama := s.llama(nil)
	s.shall(llama)
	s.awaitPhase(v1alpha1.ReadyPhase)
	rev := cachenode.Revision(llama.Status.Revision)
	ask := func(value string) {
		t.Helper()
		if err := s.Get(t.Context(), client.ObjectKeyFromObject(llama), llama); err != nil {
			t.Fatal(err)
		}
		llama.Annotations = map[string]string{v1alpha1.EvictBeforeAnnotation: value}
		if err := s.Update(t.Context(), llama); err != nil {
			t.Fatal(err)
		}
		s.reconcile()
	}
	has := func() bool { _, err := s.node.Store.Manifest(rev); return err == nil }
	later := time.Now().Add(time.Hour).Format(time.RFC3339)

	if ask(later); !has() {
		t.Fatal("a copy that a Prefetch wants was evicted")
	}
	lease, err := s.node.Lease(rev)
	if err != nil {
		t.Fatal(err)
	}
	s.shall()
	s.awaitLeases(1) // the pod's: whoever brought the copy has let go
	if ask(later); !has() {
		t.Fatal("a copy that a pod uses was evicted")
	}
	lease.Release()
	s.awaitLeases(0)
	for _, harmless := range []string{"yesterday", "", time.Now().Add(-time.Hour).Format(time.RFC3339)} {
		if ask(harmless); !has() {
			t.Fatalf("%q evicted it", harmless)
		}
	}
	if ask(later); has() {
		t.Error("it was not evicted")
	}
}

// awaitLeases waits until the copies are leased so many times.
func (s *station) awaitLeases(want int) {
	s.t.Helper()
	for s.t.Context().Err() == nil {
		leases := 0
		for _, c := range s.node.Store.List() {
			leases += c.Leases
		}
		if leases == want {
			return
		}
		<-time.After(time.Millisecond)
	}
}

func TestJoin_MakesTheCacheNodeThatGoesWithItsNode(t *testing.T) {
	t.Parallel()
	s := newStation(t, interceptor.Funcs{})
	for range 2 { // again changes nothing
		if err := Join(t.Context(), s.Client, s.Client, "node1"); err != nil {
			t.Fatal(err)
		}
	}
	var c v1alpha1.CacheNode
	if err := s.Get(t.Context(), client.ObjectKey{Name: "node1"}, &c); err != nil || len(c.OwnerReferences) != 1 || c.OwnerReferences[0].UID != "uid-of-node1" {
		t.Errorf("it is %+v, %v", c, err)
	}
	if err := Join(t.Context(), s.Client, s.Client, "node2"); err == nil || !strings.Contains(err.Error(), "node2") {
		t.Errorf("a node that is not there joins: %v", err)
	}
}
