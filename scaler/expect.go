// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/forecast"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// outlook is for how many replicas things are brought ahead, and how many there may be.
type outlook struct{ weights, room, most int32 }

// expect is the forecast of a policy, and what follows from it.
func (f *Forecaster) expect(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts, l *learned) (*v1alpha1.ForecastStatus, outlook) {
	settled, err := Settle(p, facts)
	if err != nil {
		return &v1alpha1.ForecastStatus{Message: err.Error()}, outlook{}
	}
	now := f.Now()
	if err := f.learn(ctx, &settled, facts.Prometheus, l, now); err != nil {
		return &v1alpha1.ForecastStatus{Message: clipped(err.Error())}, outlook{}
	}
	lead := leadsOf(p, facts)
	replicas := func(q float64, lead time.Duration) (int32, error) {
		peak, err := l.model.Peak(now, lead, q)
		if err != nil {
			return 0, err
		}
		return int32(min(math.Ceil(peak/float64(settled.InFlight)), float64(settled.Max))), nil
	}
	likely, err := replicas(forecast.ForReplicas(lead.replicas-every), lead.replicas)
	if err != nil {
		return &v1alpha1.ForecastStatus{Message: clipped(err.Error())}, outlook{}
	}
	o := outlook{most: settled.Max}
	if o.weights, err = replicas(sure, lead.weights); err != nil {
		o.weights = likely
	}
	if p.Spec.Forecast.Capacity != nil && l.model.Foresees(lead.room) {
		if o.room, err = replicas(roomy, lead.room); err != nil {
			o.room = likely
		}
	}
	if !l.model.Foresees(lead.replicas) {
		return &v1alpha1.ForecastStatus{Message: noSkill}, o
	}
	return &v1alpha1.ForecastStatus{Replicas: likely}, o
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
		ctx, cancel := context.WithTimeout(ctx, answers)
		defer cancel()
		history, err := series.History(ctx, query, now.Add(-past), now.Truncate(time.Minute).Add(-time.Minute))
		if err != nil {
			return err
		}
		l.of, l.model = of, forecast.Fit(history, now, location)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answer) // what is left of this policy's time is for what is known without
	defer cancel()
	minute := now.Truncate(time.Minute).Add(-time.Minute)
	value, err := series.Now(ctx, query, minute.Add(time.Minute))
	if err != nil {
		return nil // a minute is missing; when too many are, the model says so
	}
	l.model.Observe(forecast.Sample{At: minute, Rate: value})
	return nil
}
