// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/forecast"
)

// workdays is a demand, by default of 110 in flight from 8 to 18 o'clock UTC and of 5 else, that is known since so long.
type workdays struct {
	since   time.Time
	query   string // asked last
	failing bool
	demand  func(time.Time) float64
}

func demandAt(at time.Time) float64 {
	if h := at.UTC().Hour(); h >= 8 && h < 18 {
		return 110
	}
	return 5
}

func (w *workdays) Now(_ context.Context, query string, at time.Time) (float64, error) {
	w.query = query
	if w.failing {
		return 0, errors.New("prometheus is down")
	}
	return w.demand(at.Add(-time.Minute)), nil
}

func (w *workdays) History(_ context.Context, query string, from, to time.Time) (all []forecast.Sample, err error) {
	w.query = query
	if w.failing {
		return nil, errors.New("prometheus is down")
	}
	if from.Before(w.since) {
		from = w.since
	}
	for at := from.Truncate(time.Minute); !at.After(to); at = at.Add(time.Minute) {
		all = append(all, forecast.Sample{At: at, Rate: w.demand(at)})
	}
	return all, nil
}

// station is a forecaster on a cluster in memory, with a clock.
type station struct {
	*Forecaster
	t      *testing.T
	series *workdays
	now    time.Time
	facts  Facts
}

var monday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func newStation(t *testing.T, known time.Duration, change func(*v1alpha1.ScalePolicy), serve ...schema.GroupVersionKind) *station {
	t.Helper()
	p, facts := scene()
	p.UID, p.Spec.MaxReplicas, p.Spec.Forecast = "0a1b", 8, &v1alpha1.Forecast{Tier: v1alpha1.DiskTier}
	facts.Workload.Template.Annotations = map[string]string{v1alpha1.ModelAnnotation: "llama3"}
	facts.Workload.Replicas = 1
	facts.Nodes[0].Labels = map[string]string{corev1.LabelHostname: "host-1"}
	full := *facts.Nodes[0].DeepCopy()
	full.Name, full.Status.Allocatable = "gpu-2", gpus("0")
	facts.Nodes = append(facts.Nodes, full)
	if change != nil {
		change(p)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range serve { // of others, whose types are not ours
		scheme.AddKnownTypeWithName(kind, &unstructured.Unstructured{})
		scheme.AddKnownTypeWithName(kind.GroupVersion().WithKind(kind.Kind+"List"), &unstructured.UnstructuredList{})
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithRESTMapper(mapper).WithObjects(p).WithStatusSubresource(p).Build()
	s := &station{t: t, series: &workdays{since: monday.Add(-known), demand: demandAt}, facts: facts}
	s.Forecaster = &Forecaster{Client: c, Reader: c, Now: func() time.Time { return s.now }, Dial: func(string) (Series, error) { return s.series, nil },
		Facts: func(context.Context, *v1alpha1.ScalePolicy) (Facts, error) { return s.facts, nil }}
	return s
}

// at makes a pass at an hour and minute of that Monday.
func (s *station) at(hour, minute int) (*v1alpha1.ForecastStatus, *v1alpha1.Prefetch) {
	s.t.Helper()
	s.now = monday.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + 5*time.Second)
	if err := s.pass(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	var p v1alpha1.ScalePolicy
	if err := s.Client.Get(s.t.Context(), client.ObjectKey{Namespace: "team-a", Name: "llama"}, &p); err != nil {
		s.t.Fatal(err)
	}
	var f v1alpha1.Prefetch
	err := s.Client.Get(s.t.Context(), client.ObjectKey{Namespace: "team-a", Name: "scale-llama"}, &f)
	if apierrors.IsNotFound(err) {
		return p.Status.Forecast, nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return p.Status.Forecast, &f
}

// Before the morning's demand its weights are brought to where its replicas will be, not at night; and when no more are expected, no longer.
func TestForecaster_BringsWeightsBeforeTheMorning(t *testing.T) {
	t.Parallel()
	s := newStation(t, 21*24*time.Hour, nil)
	if f, prefetch := s.at(3, 0); f.Message != "" || f.Replicas != 1 || prefetch != nil {
		t.Fatalf("at night it expects %+v, and has %v", f, prefetch)
	}
	if !strings.Contains(s.series.query, "vllm:num_requests_running") {
		t.Errorf("it learns from %s", s.series.query)
	}
	for minute := 1; minute < 57; minute++ { // the clock moves on, a minute each pass
		s.at(7, minute)
	}
	f, prefetch := s.at(7, 57)
	if f.Replicas != 5 || !slices.Equal(f.Nodes, []string{"gpu-1"}) || prefetch == nil {
		t.Fatalf("before the morning it expects %+v, and has %v", f, prefetch)
	}
	if spec := prefetch.Spec; spec.ModelName != "llama3" || spec.Priority != v1alpha1.ForecastPriority || !slices.Equal(spec.Nodes.Selector.MatchExpressions[0].Values, []string{"host-1"}) {
		t.Errorf("it fetches %+v", spec)
	}
	if said, at := s.expectations(); said["team-a/llama"].replicas != 5 || !at.Equal(s.now) {
		t.Errorf("Prometheus is told %v at %v", said, at)
	}
	s.facts.Workload.Replicas = 8 // they have come
	if f, prefetch := s.at(7, 58); prefetch != nil || f.Nodes != nil {
		t.Errorf("with all replicas there it expects %+v, and has %v", f, prefetch)
	}
}

// What is not known is said, is no number, and takes away what was brought for it.
func TestForecaster_SaysWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		known  time.Duration
		change func(*v1alpha1.ScalePolicy)
		broken func(*station)
		says   string
	}{
		"a young policy": {24 * time.Hour, nil, nil, "history"},
		"no Prometheus":  {21 * 24 * time.Hour, nil, func(s *station) { s.series.failing = true }, "prometheus is down"},
		"nowhere":        {21 * 24 * time.Hour, func(p *v1alpha1.ScalePolicy) { p.Spec.Forecast.TimeZone = "Europe/Atlantis" }, nil, "no time zone"},
		"another's": {21 * 24 * time.Hour, func(p *v1alpha1.ScalePolicy) {
			p.Spec.Prometheus = &v1alpha1.Prometheus{Address: "http://169.254.169.254"}
		}, nil, "its own Prometheus alone"},
		"no target": {21 * 24 * time.Hour, nil, func(s *station) { s.facts.Workload = nil }, "there is no Deployment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, row.known, row.change)
			if row.broken != nil {
				row.broken(s)
			}
			f, prefetch := s.at(7, 57)
			if f == nil || f.Replicas != 0 || !strings.Contains(f.Message, row.says) || prefetch != nil {
				t.Errorf("it expects %+v, and has %v", f, prefetch)
			}
			if name == "another's" && s.series.query != "" {
				t.Errorf("it is asked %s", s.series.query)
			}
			if said, _ := s.expectations(); said["team-a/llama"].replicas != 0 {
				t.Errorf("Prometheus is told %v", said)
			}
		})
	}
}

// Where nothing comes again no replicas are made ahead, and it is said; weights, which cost no GPU, are brought for what may come.
func TestForecaster_MakesNoReplicasAheadOfBursts(t *testing.T) {
	t.Parallel()
	s := newStation(t, 21*24*time.Hour, nil)
	s.series.demand = func(at time.Time) float64 {
		if hash := uint64(at.Unix()/900) * 0x9e3779b97f4a7c15; hash>>58 == 0 { // one of 64 quarters of an hour
			return 150
		}
		return 5
	}
	f, prefetch := s.at(7, 57)
	if f.Replicas != 0 || !strings.Contains(f.Message, "no season") || len(f.Nodes) != 1 || prefetch == nil {
		t.Errorf("it expects %+v, and has %v", f, prefetch)
	}
}

// A source that falls silent is let go when what is known is old, and no sooner.
func TestForecaster_IsNotFooledBySilence(t *testing.T) {
	t.Parallel()
	s := newStation(t, 21*24*time.Hour, nil)
	s.at(7, 54)
	s.series.failing = true
	if f, _ := s.at(7, 57); f.Replicas != 5 {
		t.Errorf("after three minutes of silence it expects %+v", f)
	}
	if f, prefetch := s.at(8, 10); f.Replicas != 0 || f.Message == "" || prefetch != nil {
		t.Errorf("after twenty it expects %+v, and has %v", f, prefetch)
	}
}

// Somebody else's Prefetch of that name stays as it is, and a Model of another namespace is none of the policy's.
func TestForecaster_TouchesNothingOfOthers(t *testing.T) {
	t.Parallel()
	s := newStation(t, 21*24*time.Hour, nil)
	other := &v1alpha1.Prefetch{Spec: v1alpha1.PrefetchSpec{ModelName: "other"}}
	other.Namespace, other.Name = "team-a", "scale-llama"
	if err := s.Client.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	for _, hour := range []int{7, 20} {
		if _, prefetch := s.at(hour, 57); prefetch == nil || prefetch.Spec.ModelName != "other" {
			t.Errorf("somebody else's is %v", prefetch)
		}
	}
	s = newStation(t, 21*24*time.Hour, nil)
	s.facts.Workload.Template.Annotations[v1alpha1.ModelAnnotation] = "shared/llama3"
	if f, prefetch := s.at(7, 57); f.Replicas != 5 || prefetch != nil {
		t.Errorf("of another namespace: %+v, %v", f, prefetch)
	}
	if math.Ceil(110.0/22) != 5 {
		t.Error("the scene has changed")
	}
}

// A policy that makes a forecast panic is told of, and the others have theirs.
func TestForecaster_OutlivesOnePolicy(t *testing.T) {
	t.Parallel()
	s := newStation(t, 21*24*time.Hour, nil)
	odd := &v1alpha1.ScalePolicy{Spec: v1alpha1.ScalePolicySpec{Forecast: &v1alpha1.Forecast{}}}
	odd.Namespace, odd.Name = "team-a", "before-llama"
	if err := s.Client.Create(t.Context(), odd); err != nil {
		t.Fatal(err)
	}
	s.Facts = func(_ context.Context, p *v1alpha1.ScalePolicy) (Facts, error) {
		if p.Name == odd.Name {
			panic("out of range")
		}
		return s.facts, nil
	}
	s.now = monday.Add(7*time.Hour + 57*time.Minute)
	if err := s.pass(t.Context()); err == nil || !strings.Contains(err.Error(), "team-a/before-llama: panic: out of range") {
		t.Errorf("it says %v", err)
	}
	if said, _ := s.expectations(); said["team-a/llama"].replicas != 5 || len(said) != 1 {
		t.Errorf("Prometheus is told %v", said)
	}
}

// More policies than are looked at once, one of which takes for ever: it alone has no forecast, and the rest of them wait for each other as little
// as they must.
func TestForecaster_WaitsForNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, 21*24*time.Hour, nil)
		for i := range 2*atOnce - 1 {
			p := &v1alpha1.ScalePolicy{Spec: v1alpha1.ScalePolicySpec{Forecast: &v1alpha1.Forecast{}}}
			p.Namespace, p.Name = "team-b", fmt.Sprint("p", i)
			if err := s.Client.Create(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex
		at, most := 0, 0
		look := func(begins int) {
			mu.Lock()
			defer mu.Unlock()
			at += begins
			most = max(most, at)
		}
		s.Facts = func(ctx context.Context, p *v1alpha1.ScalePolicy) (Facts, error) {
			look(1)
			defer look(-1)
			if p.Name == "p1" {
				<-ctx.Done()
				return Facts{}, fmt.Errorf("facts of %s: %w", p.Name, ctx.Err())
			}
			<-time.After(longest / 4)
			if p.Name == "llama" {
				return s.facts, nil
			}
			return Facts{}, nil // it has no target
		}
		s.now = monday.Add(7*time.Hour + 57*time.Minute)
		begin := time.Now()
		if err := s.pass(t.Context()); err == nil || err.Error() != "facts of p1: context deadline exceeded" {
			t.Errorf("it says %v", err)
		}
		if took := time.Since(begin); took != longest {
			t.Errorf("a pass takes %v", took)
		}
		if most != atOnce {
			t.Errorf("%d are looked at at once", most)
		}
		said, _ := s.expectations()
		if _, has := said["team-b/p1"]; has || said["team-a/llama"].replicas != 5 || len(said) != 2*atOnce-1 {
			t.Errorf("Prometheus is told %v", said)
		}
	})
}

// A Prometheus that never answers costs a policy the last minute, and not what is known without.
func TestForecaster_GoesOnWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, 21*24*time.Hour, nil)
		s.at(7, 56)
		s.Dial = func(string) (Series, error) { return hanging{}, nil }
		begin := time.Now()
		if f, prefetch := s.at(7, 57); f.Replicas != 5 || prefetch == nil {
			t.Errorf("it expects %+v, and has %v", f, prefetch)
		}
		if took := time.Since(begin); took > longest/2 {
			t.Errorf("it waits for %v", took)
		}
	})
}

// hanging is a Prometheus that takes a question and gives no answer.
type hanging struct{}

func (hanging) Now(ctx context.Context, _ string, _ time.Time) (float64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (hanging) History(ctx context.Context, _ string, _, _ time.Time) ([]forecast.Sample, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
