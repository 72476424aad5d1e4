// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/policy"
	"github.com/hoist-dev/hoist/bench/scale/sim"
	"github.com/hoist-dev/hoist/bench/scale/trace"
)

// replay runs the policies over four hours of a rate: 32 slots, 20 s a request, 180 s a cold start, at most 10 replicas.
func replay(t *testing.T, rate trace.Rate, setting policy.Setting) map[string]sim.Result {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 1))
	var arrivals []sim.Arrival
	for _, r := range trace.Arrivals(5, 4*time.Hour, rate) {
		arrivals = append(arrivals, sim.Arrival{At: r.At, Service: time.Duration(rng.ExpFloat64() * float64(20*time.Second))})
	}
	setting.Slots, setting.MeanLoad = 32, 160
	c := sim.Config{Slots: 32, ColdStart: 180 * time.Second, Start: 1, Min: 1, Max: 10, Until: 4 * time.Hour}
	if setting.ToZero {
		c.Start, c.Min = 0, 0
	}
	results := map[string]sim.Result{}
	for _, p := range policy.All() {
		results[p.Name] = sim.Run(c, arrivals, p.New(setting))
	}
	return results
}

// On a steady load, a queue divided twice goes up and down for ever, and what is in flight settles.
func TestPolicies_TheQueueOscillatesAndInFlightSettles(t *testing.T) {
	t.Parallel()
	got := replay(t, func(time.Duration) float64 { return 8 }, policy.Setting{})
	article, keda := got[policy.Article], got[policy.InFlightKEDA]
	t.Logf("article %d changes, %.1f %% slow; in flight %d changes, %.1f %% slow", article.Changes, 100*article.Slow, keda.Changes, 100*keda.Slow)
	if article.Changes < 60 || article.Slow < 0.3 {
		t.Errorf("the article's policy changed %d times with %.1f %% slow, known are some 150 and 47 %%", article.Changes, 100*article.Slow)
	}
	if keda.Changes > 25 || keda.Slow > 0.05 {
		t.Errorf("in-flight changed %d times with %.1f %% slow, known are 15 and 2 %%", keda.Changes, 100*keda.Slow)
	}
	if hoist := got[policy.Reactive]; hoist.Changes > keda.Changes || hoist.Slow > keda.Slow {
		t.Errorf("Hoist changed %d times with %.2f %% slow, KEDA in-flight %d and %.2f %%", hoist.Changes, 100*hoist.Slow, keda.Changes, 100*keda.Slow)
	}
}

// A metric that does not exist reads 0, so that nothing ever scales, at one replica or at none.
func TestPolicies_AMissingMetricNeverScales(t *testing.T) {
	t.Parallel()
	steady := func(time.Duration) float64 { return 8 }
	if got := replay(t, steady, policy.Setting{})["article, as printed"]; got.Changes != 0 || got.Slow < 0.9 {
		t.Errorf("%d changes, %.1f %% slow", got.Changes, 100*got.Slow)
	}
	asleep := replay(t, steady, policy.Setting{ToZero: true})
	if got := asleep[policy.Article]; got.Served != 0 {
		t.Errorf("a queue that only pods tell of woke %d requests from zero", got.Served)
	}
	if got := asleep[policy.Reactive]; got.Served == 0 || got.Slow > 0.15 {
		t.Errorf("demand that is counted in front: %d served, %.1f %% slow", got.Served, 100*got.Slow)
	}
}

// KEDA goes to zero from any number, and comes back with one.
func TestKEDA_GoesToZeroAfterTheCooldown(t *testing.T) {
	t.Parallel()
	got := replay(t, func(at time.Duration) float64 {
		if at < time.Hour {
			return 4
		}
		return 0
	}, policy.Setting{ToZero: true})[policy.InFlightKEDA]
	last := got.Replicas[len(got.Replicas)-1]
	if last.N != 0 || last.At > time.Hour+10*time.Minute {
		t.Errorf("%d replicas from %s on, want none soon after an hour", last.N, last.At)
	}
}

// A gauge adds to what is in flight and never takes away.
func TestPolicies_AForecastSparesWaitsAndAnOracleAll(t *testing.T) {
	t.Parallel()
	rate := func(at time.Duration) float64 {
		if at%time.Hour >= 30*time.Minute && at%time.Hour < 40*time.Minute {
			return 8
		}
		return 1
	}
	gauge := make(policy.Gauge, 241)
	for i := range gauge {
		for ahead := range 6 {
			gauge[i] = max(gauge[i], 20*rate(time.Duration(i+ahead)*time.Minute))
		}
	}
	got := replay(t, rate, policy.Setting{Oracle: gauge})
	if reactive, oracle := got[policy.Reactive], got[policy.Oracle]; reactive.Slow < 0.2 || oracle.Slow > 0.02 {
		t.Errorf("reactive %.1f %% slow, oracle %.1f %%", 100*reactive.Slow, 100*oracle.Slow)
	}
}
