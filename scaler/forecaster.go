// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/forecast"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// Series gives what is forecast, from a server of metrics.
type Series interface {
	Now(ctx context.Context, query string, at time.Time) (float64, error)
	History(ctx context.Context, query string, from, to time.Time) ([]forecast.Sample, error)
}

// Forecaster forecasts the demand of the policies that ask for it, once a minute, and has their weights brought ahead.
type Forecaster struct {
	Client client.Client
	Reader client.Reader // of pods, directly
	Facts  func(ctx context.Context, p *v1alpha1.ScalePolicy) (Facts, error)
	Dial   func(address string) (Series, error)
	Now    func() time.Time

	models map[client.ObjectKey]*learned

	mu    sync.Mutex
	said  map[string]expectation // by policy
	clock time.Time              // of said
}

// expectation is what is forecast for a policy.
type expectation struct{ replicas int32 }

// learned is the model of one policy.
type learned struct {
	of    string // what it was learned of: it begins anew when that changes
	model *forecast.Model
}

const (
	every = time.Minute
	past  = 28 * 24 * time.Hour // that is learned from
	sure  = 0.99                // of the demand that weights are brought ahead for: they cost no GPU
	sees  = 30 * time.Second    // from a demand to an HPA that sees it: a scrape, and a sync
)

// noSkill is why no replicas are made ahead, although there is a forecast. Weights still are.
const noSkill = "no replicas ahead: in the last week a forecast would have cost more than it spared; demand has no season, or changes so slowly that it is seen in time"

// NeedLeaderElection implements manager.LeaderElectionRunnable: one forecasts.
func (f *Forecaster) NeedLeaderElection() bool { return true }

// Start forecasts until ctx ends. It implements manager.Runnable.
func (f *Forecaster) Start(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := f.pass(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "not forecast")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// pass forecasts once for all.
func (f *Forecaster) pass(ctx context.Context) error {
	var policies v1alpha1.ScalePolicyList
	if err := f.Client.List(ctx, &policies); err != nil {
		return err
	}
	next, said := map[client.ObjectKey]*learned{}, map[string]expectation{}
	var failed []error
	for i := range policies.Items {
		p := &policies.Items[i]
		if p.Spec.Forecast == nil || p.DeletionTimestamp != nil {
			continue
		}
		key := client.ObjectKeyFromObject(p)
		if next[key] = f.models[key]; next[key] == nil {
			next[key] = &learned{}
		}
		expected, err := f.one(ctx, p, next[key])
		if err == nil {
			said[key.String()] = expected
		}
		failed = append(failed, err)
	}
	f.models = next
	f.mu.Lock()
	f.said, f.clock = said, f.Now()
	f.mu.Unlock()
	return errors.Join(failed...)
}

// one forecasts for one policy, and brings ahead what it must. What is not known is in its status, and no failure.
func (f *Forecaster) one(ctx context.Context, p *v1alpha1.ScalePolicy, l *learned) (expectation, error) {
	facts, err := f.Facts(ctx, p)
	if err != nil {
		return expectation{}, err
	}
	status, sureOf := f.expect(ctx, p, facts, l)
	nodes, err := f.ahead(ctx, p, facts, sureOf)
	if err != nil {
		return expectation{}, fmt.Errorf("prewarm for ScalePolicy %s/%s: %w", p.Namespace, p.Name, err)
	}
	status.Nodes = nodes
	return expectation{status.Replicas}, f.write(ctx, p, status)
}

// expect is the forecast of a policy, and the replicas that weights are brought ahead for.
func (f *Forecaster) expect(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts, l *learned) (*v1alpha1.ForecastStatus, int32) {
	settled, err := Settle(p, facts)
	if err != nil {
		return &v1alpha1.ForecastStatus{Message: err.Error()}, 0
	}
	now := f.Now()
	if err := f.learn(ctx, &settled, facts.Prometheus, l, now); err != nil {
		return &v1alpha1.ForecastStatus{Message: clipped(err.Error())}, 0
	}
	start := time.Duration(settled.Slow)*time.Second + sees
	lead := min(start+every, forecast.MaxHorizon)
	replicas := func(q float64) (int32, error) {
		peak, err := l.model.Peak(now, lead, q)
		if err != nil {
			return 0, err
		}
		return int32(min(math.Ceil(peak/float64(settled.InFlight)), float64(settled.Max))), nil
	}
	likely, err := replicas(forecast.ForReplicas(start))
	if err != nil {
		return &v1alpha1.ForecastStatus{Message: clipped(err.Error())}, 0
	}
	atMost, err := replicas(sure)
	if err != nil {
		atMost = likely
	}
	if !l.model.Foresees(lead) {
		return &v1alpha1.ForecastStatus{Message: noSkill}, atMost
	}
	return &v1alpha1.ForecastStatus{Replicas: likely}, atMost
}

// errForeign is why nothing is asked: whoever writes a policy must not say where the controller, with its place in the network, sends requests.
var errForeign = errors.New("the controller reads its own Prometheus alone (scaler.prometheusAddress of the chart), and spec.prometheus names another")

// learn takes in the minutes that are over, all of the past at first. ours is the address that the controller was told.
func (f *Forecaster) learn(ctx context.Context, s *Settled, ours string, l *learned, now time.Time) error {
	if s.Prometheus.Address != ours {
		return errForeign
	}
	query, zone := s.Policy.Spec.Forecast.Query, s.Policy.Spec.Forecast.TimeZone
	if query == "" {
		var err error
		if query, err = scaledobject.Demand(s.Policy, s.Server); err != nil {
			return err
		}
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return fmt.Errorf("%q is no time zone, such as Europe/Berlin", clip(zone))
	}
	series, err := f.Dial(s.Prometheus.Address)
	if err != nil {
		return err
	}
	if of := s.Prometheus.Address + "\n" + zone + "\n" + query; l.model == nil || l.of != of {
		history, err := series.History(ctx, query, now.Add(-past), now.Truncate(time.Minute).Add(-time.Minute))
		if err != nil {
			return err
		}
		l.of, l.model = of, forecast.Fit(history, now, location)
		return nil
	}
	minute := now.Truncate(time.Minute).Add(-time.Minute)
	value, err := series.Now(ctx, query, minute.Add(time.Minute))
	if err != nil {
		return nil //nolint:nilerr // a minute is missing; when too many are, the model says so
	}
	l.model.Observe(forecast.Sample{At: minute, Rate: value})
	return nil
}

// write says in the status what is forecast.
func (f *Forecaster) write(ctx context.Context, p *v1alpha1.ScalePolicy, status *v1alpha1.ForecastStatus) error {
	if p.Status.Forecast != nil && same(p.Status.Forecast, status) {
		return nil
	}
	before := p.DeepCopy()
	p.Status.Forecast = status
	return client.IgnoreNotFound(f.Client.Status().Patch(ctx, p, client.MergeFrom(before)))
}

// expectations are the last, by policy, and when they were made.
func (f *Forecaster) expectations() (map[string]expectation, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.said, f.clock
}

func clipped(s string) string {
	const most = 1024
	return s[:min(len(s), most)]
}
