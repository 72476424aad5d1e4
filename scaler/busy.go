// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/demand"
	"github.com/hoist-dev/hoist/scaler/queue"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// Busy knows how many requests replicas work on at a time when they have as many as they want. nil knows nothing.
type Busy struct {
	Dial func(address string) (Series, error)
	Now  func() time.Time

	mu    sync.Mutex
	known map[client.ObjectKey]measurement
}

type measurement struct {
	until time.Time // it is asked for again
	of    string
	value float64
}

// How long a measurement, which is over a day, is good for; and that there was none. One that failed may have one in a moment.
const (
	freshness = 10 * time.Minute
	failure   = time.Minute
)

// concurrency of a replica of a policy's target, or 0. Where Prometheus does not answer, what was measured last holds; see [Settle] for what was
// measured by the controller before this one.
func (b *Busy) concurrency(ctx context.Context, p *v1alpha1.ScalePolicy, f *Facts) float64 {
	if b == nil || p.Spec.InFlightPerReplica != nil || p.Spec.Query != "" {
		return 0
	}
	settled, err := Settle(p, *f)
	if err != nil || settled.Prometheus.Address != f.Prometheus { // see errForeign
		return 0
	}
	query, ok := demand.Concurrency(settled.Server, scaledobject.Target(p))
	if !ok {
		return 0
	}
	key, of := client.ObjectKeyFromObject(p), settled.Prometheus.Address+query
	b.mu.Lock()
	last := b.known[key]
	b.mu.Unlock()
	now := b.Now()
	if last.of == of && now.Before(last.until) {
		return last.value
	}
	value, good := b.ask(ctx, settled.Prometheus.Address, query, now)
	next := measurement{until: now.Add(good), of: of, value: value}
	if next.value == 0 && last.of == of {
		next.value = last.value
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil {
		b.known = map[client.ObjectKey]measurement{}
	}
	b.known[key] = next
	return next.value
}

// ask gives what was measured, and for how long it is good: 0 where no requests waited, or nobody answers.
func (b *Busy) ask(ctx context.Context, address, query string, at time.Time) (float64, time.Duration) {
	series, err := b.Dial(address)
	if err != nil {
		return 0, failure
	}
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	value, err := series.Now(ctx, query, at)
	if err != nil && !errors.Is(err, queue.ErrUnknown) {
		return 0, failure
	}
	return value, freshness
}

// forget drops what is known of a policy that is gone.
func (b *Busy) forget(policy client.ObjectKey) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.known, policy)
}
