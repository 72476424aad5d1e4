// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/forecast"
)

// gauge is a Prometheus that gives one number, or fails.
type gauge struct {
	value float64
	fails bool
	asked []string
}

func (g *gauge) Now(_ context.Context, query string, _ time.Time) (float64, error) {
	g.asked = append(g.asked, query)
	if g.fails {
		return 0, errors.New("down")
	}
	return g.value, nil
}

func (g *gauge) History(context.Context, string, time.Time, time.Time) ([]forecast.Sample, error) {
	return nil, errors.New("down")
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
	now, g.fails = now.Add(freshness), true
	is(30, 3)
	p.Spec.Server = "SGLang"
	is(0, 4)
	p.Spec.Prometheus = &v1alpha1.Prometheus{Address: "http://169.254.169.254"}
	is(0, 4) // the policy's author does not say where the controller asks
	p.Spec.Prometheus = nil
	seven := int32(7)
	p.Spec.InFlightPerReplica = &seven
	is(0, 4) // nobody needs it
	if (*Busy)(nil).concurrency(t.Context(), p, &f) != 0 {
		t.Error("nil knows something")
	}
}
