// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/forecast"
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
	Room   Room

	models map[client.ObjectKey]*learned

	mu    sync.Mutex
	said  map[string]expectation // by policy
	clock time.Time              // of said

	room  sync.Mutex // of what keeps room
	keeps map[client.ObjectKey]holding
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
	roomy = 0.90                // of the demand that nodes have room for: they cost node hours
	sees  = 30 * time.Second    // from a demand to an HPA that sees it: a scrape, and a sync

	nodeSeconds = 300 // that a node takes to come, where nobody says

	atOnce  = 8                // policies
	longest = time.Minute      // for one, of the five after which a forecast counts for nothing
	answer  = 10 * time.Second // from Prometheus, about a minute or a day
	answers = 30 * time.Second // about weeks
)

// noSkill is why no replicas are made ahead, and no room for them, although there is a forecast. Weights are brought all the same.
const noSkill = "no replicas ahead, nor room for them: in the last week a forecast would have cost more than it spared; demand has no season, or changes so slowly that it is seen in time"

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

// pass forecasts once for all, for a few at a time: a Prometheus that is slow for one tenant keeps nobody else's forecast until it is stale.
func (f *Forecaster) pass(ctx context.Context) error {
	var policies v1alpha1.ScalePolicyList
	if err := f.Client.List(ctx, &policies); err != nil {
		return err
	}
	now, unknown := f.look(ctx) // where it is not known what there is, room stays as it is, and weights are brought all the same
	all := make([]looked, len(policies.Items))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range policies.Items {
		p := &policies.Items[i]
		if p.DeletionTimestamp != nil {
			continue
		}
		if p.Spec.Forecast != nil {
			if all[i].model = f.models[client.ObjectKeyFromObject(p)]; all[i].model == nil {
				all[i].model = &learned{}
			}
		}
		group.Go(func() error {
			all[i].said, all[i].err = f.alone(ctx, p, all[i].model, now)
			return nil
		})
	}
	_ = group.Wait() // none fails
	next, said := map[client.ObjectKey]*learned{}, map[string]expectation{}
	failed := []error{unknown}
	for i := range all {
		failed = append(failed, all[i].err)
		if all[i].model == nil {
			continue
		}
		key := client.ObjectKeyFromObject(&policies.Items[i])
		next[key] = all[i].model
		if now != nil {
			delete(now.by, key)
		}
		if all[i].err == nil {
			said[key.String()] = all[i].said
		}
	}
	if now != nil {
		for _, left := range now.by { // of policies that are gone, or forecast no longer
			failed = append(failed, f.release(ctx, left...))
		}
	}
	f.forget(next)
	f.models = next
	f.mu.Lock()
	f.said, f.clock = said, f.Now()
	f.mu.Unlock()
	return errors.Join(failed...)
}

// looked is what a pass has of one policy.
type looked struct {
	model *learned // nil: it is not forecast
	said  expectation
	err   error
}

// alone does for one policy what a pass does: should that panic or take long, the others are forecast all the same.
func (f *Forecaster) alone(ctx context.Context, p *v1alpha1.ScalePolicy, l *learned, now *standing) (said expectation, err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("forecast for ScalePolicy %s/%s: panic: %v\n%s", p.Namespace, p.Name, why, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if l == nil {
		return said, f.end(ctx, p)
	}
	return f.one(ctx, p, l, now)
}

// one forecasts for one policy, and brings ahead what it must. What is not known is in its status, and no failure.
func (f *Forecaster) one(ctx context.Context, p *v1alpha1.ScalePolicy, l *learned, now *standing) (expectation, error) {
	facts, err := f.Facts(ctx, p)
	if err != nil {
		return expectation{}, err
	}
	status, o := f.expect(ctx, p, facts, l)
	if p.Spec.Suspend { // its replicas stay as they are
		o.weights, o.room = 0, 0
	}
	status.Capacity = f.kept(ctx, p, facts, o, now)
	nodes, err := f.ahead(ctx, p, facts, o.weights)
	if err != nil {
		return expectation{}, fmt.Errorf("prewarm for ScalePolicy %s/%s: %w", p.Namespace, p.Name, err)
	}
	status.Nodes = nodes
	return expectation{status.Replicas}, f.write(ctx, p, status)
}

// end takes away what was there for a forecast that nobody asks for any more; what keeps room is released with that of policies that are gone.
func (f *Forecaster) end(ctx context.Context, p *v1alpha1.ScalePolicy) error {
	if err := f.cancel(ctx, p); err != nil {
		return err
	}
	return f.write(ctx, p, nil)
}

// forget drops what was kept for policies that are not forecast.
func (f *Forecaster) forget(forecast map[client.ObjectKey]*learned) {
	f.room.Lock()
	defer f.room.Unlock()
	for key := range f.keeps {
		if forecast[key] == nil {
			delete(f.keeps, key)
		}
	}
}

// write says in the status what is forecast.
func (f *Forecaster) write(ctx context.Context, p *v1alpha1.ScalePolicy, status *v1alpha1.ForecastStatus) error {
	if same(p.Status.Forecast, status) {
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
