// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

// Two benchmarks of one model don't go on together; when the first has ended, the second begins, and nothing is left.
func TestTakeTurn_IsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kube, model := fake.NewClientset(), plan.Key{Namespace: "ns", Name: "llama"}
		first, second := &bench{Config: Config{Kube: kube}}, &bench{Config: Config{Kube: kube}}
		release, err := first.takeTurn(t.Context(), model)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := second.takeTurn(t.Context(), model); err == nil || !strings.Contains(err.Error(), "another benchmark of Model ns/llama goes on") || !strings.Contains(err.Error(), "process") {
			t.Errorf("the second one: %v", err)
		}
		release()
		if release, err = second.takeTurn(t.Context(), model); err != nil {
			t.Fatal(err)
		}
		release()
		if leases, err := kube.CoordinationV1().Leases("ns").List(t.Context(), metav1.ListOptions{}); err != nil || len(leases.Items) > 0 {
			t.Errorf("left: %v, %v", leases.Items, err)
		}
	})
}

// One that was killed lets go by itself.
func TestTakeTurn_AfterOneThatWasKilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := metav1.NewMicroTime(time.Now())
		kube := fake.NewClientset(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "hoist-bench-llama"},
			Spec: coordinationv1.LeaseSpec{HolderIdentity: new("who is dead"), LeaseDurationSeconds: new(int32(15)), AcquireTime: &now, RenewTime: &now}})
		b := &bench{Config: Config{Kube: kube}}
		begun := time.Now()
		release, err := b.takeTurn(t.Context(), plan.Key{Namespace: "ns", Name: "llama"})
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if waited := time.Since(begun); waited < turnLasts || waited > 2*turnLasts {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestTakeTurn_WithoutTheRight(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"*", "create"} { // to anything, or to writing them
		synctest.Test(t, func(t *testing.T) {
			kube := fake.NewClientset()
			kube.PrependReactor(verb, "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrors.NewForbidden(coordinationv1.Resource("leases"), "hoist-bench-llama", errors.New("no"))
			})
			var said []string
			b := &bench{Config: Config{Kube: kube, Step: func(step string) { said = append(said, step) }}}
			release, err := b.takeTurn(t.Context(), plan.Key{Namespace: "ns", Name: "llama"})
			if err != nil {
				t.Fatal(err)
			}
			release()
			if len(said) != 1 || !strings.Contains(said[0], "no right to Leases") {
				t.Errorf("%s: it says %q", verb, said)
			}
		})
	}
}
