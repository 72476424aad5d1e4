// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/forecast"
	"github.com/hoist-dev/hoist/scaler/queue"
)

// gauge is a Prometheus that gives one number, or an error.
type gauge struct {
	value float64
	fails error
	asked []string
}

var errDown = errors.New("down")

func (g *gauge) Now(_ context.Context, query string, _ time.Time) (float64, error) {
	g.asked = append(g.asked, query)
	if g.fails != nil {
		return 0, g.fails
	}
	return g.value, nil
}

func (g *gauge) History(context.Context, string, time.Time, time.Time) ([]forecast.Sample, error) {
	return nil, errDown
}

// What was measured holds for ten minutes, and longer while Prometheus is silent; another query begins anew.
func TestBusy_AsksNowAndThen(t *testing.T) {
	t.Parallel()
	g := &gauge{value: 20}
	now := monday
	b := &Busy{Dial: func(string) (Series, error) { return g, nil }, Now: func() time.Time { return now }}
	p, f := scene()
	is := func(want float64, asked int) {
		t.Helper()
		if got := b.concurrency(t.Context(), p, &f); got != want || len(g.asked) != asked {
			t.Errorf("it is %v after %d questions, want %v after %d", got, len(g.asked), want, asked)
		}
	}
	is(20, 1)
	is(20, 1)
	if !strings.Contains(g.asked[0], "vllm:num_requests_running") {
		t.Errorf("it asks %s", g.asked[0])
	}
	now, g.value = now.Add(freshness), 30
	is(30, 2)
	now, g.fails = now.Add(freshness), errDown
	is(30, 3)
	is(30, 3)
	now = now.Add(failure) // it is soon asked again
	is(30, 4)
	now, g.fails = now.Add(failure), fmt.Errorf("%w: nobody waited", queue.ErrUnknown)
	is(30, 5)
	now = now.Add(failure) // an answer, and as good as a number
	is(30, 5)
	p.Spec.Server = "SGLang"
	is(0, 6)
	p.Spec.Prometheus = &v1alpha1.Prometheus{Address: "http://169.254.169.254"}
	is(0, 6) // the policy's author does not say where the controller asks
	p.Spec.Prometheus = nil
	seven := int32(7)
	p.Spec.InFlightPerReplica = &seven
	is(0, 6) // nobody needs it
	if (*Busy)(nil).concurrency(t.Context(), p, &f) != 0 {
		t.Error("nil knows something")
	}
}

// A controller that begins goes on with what the one before it measured, whether Prometheus is silent or nobody waits: with the default, replicas
// would jump to the maximum.
func TestBusy_BeginsWithWhatTheStatusHas(t *testing.T) {
	t.Parallel()
	g := &gauge{fails: errDown}
	now := monday
	b := &Busy{Dial: func(string) (Series, error) { return g, nil }, Now: func() time.Time { return now }}
	p, f := scene()
	p.Status.Server, p.Status.InFlightFrom, p.Status.InFlightPerReplica = "vLLM", measured, 140
	settles := func(inFlight int32, from string) {
		t.Helper()
		f.Concurrency = b.concurrency(t.Context(), p, &f)
		if s, err := Settle(p, f); err != nil || s.InFlight != inFlight || s.InFlightFrom != from {
			t.Errorf("%d requests, %s, %v; want %d, %s", s.InFlight, s.InFlightFrom, err, inFlight, from)
		}
	}
	settles(140, measured)
	now, g.fails = now.Add(failure), queue.ErrUnknown
	settles(140, measured)
	now, g.fails, g.value = now.Add(freshness), nil, 100
	settles(70, measured)
	b.forget(client.ObjectKeyFromObject(p))
	g.fails, p.Status.Server = errDown, "SGLang" // of another server
	settles(22, "Default")
}

// What is known of policies that are gone is not kept.
func TestPolicyReconciler_ForgetsWhatIsGone(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	gone, other := client.ObjectKey{Namespace: "team-a", Name: "gone"}, client.ObjectKey{Namespace: "team-a", Name: "other"}
	r := &PolicyReconciler{Client: fake.NewClientBuilder().WithScheme(scheme).Build(), Busy: &Busy{known: map[client.ObjectKey]measurement{gone: {}, other: {}}}}
	if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: gone}); err != nil {
		t.Fatal(err)
	}
	if _, kept := r.Busy.known[other]; len(r.Busy.known) != 1 || !kept {
		t.Errorf("it knows %v", r.Busy.known)
	}
}
