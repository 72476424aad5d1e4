// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package desired_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/scaler/desired"
)

func TestReplicas_CountsAndSaysWhy(t *testing.T) {
	t.Parallel()
	base := desired.Input{
		InFlight: 160, Rate: math.NaN(), ServiceTime: 20 * time.Second, Concurrency: 32, Current: 5, Max: 10, Quota: -1,
	}
	for _, c := range []struct {
		name   string
		change func(*desired.Input)
		want   int
		says   string
	}{
		{"in flight", func(*desired.Input) {}, 8, "160 requests in flight, 22.4 a replica: 8"},
		{"by rate where nothing is counted", func(in *desired.Input) { in.InFlight, in.Rate = math.NaN(), 8 }, 8, "8 requests/s"},
		{"blind is not zero", func(in *desired.Input) { in.InFlight = math.NaN() }, 5, "not known: stays at 5"},
		{"a forecast raises", func(in *desired.Input) { in.Forecast = 10 }, 9, "forecast: up to 10 requests/s"},
		{"a forecast never lowers", func(in *desired.Input) { in.Forecast = 1 }, 8, ""},
		{"a stale forecast is none", func(in *desired.Input) { in.Forecast, in.ForecastAge = 10, 301*time.Second }, 8, "does not count"},
		{"minimum", func(in *desired.Input) { in.InFlight, in.Min = 0, 2 }, 2, "minimum: 2"},
		{"floor", func(in *desired.Input) { in.InFlight, in.Min, in.Floor = 0, 2, 4 }, 4, "floor at this hour: 4"},
		{"maximum", func(in *desired.Input) { in.InFlight = 1e6 }, 10, "maximum: 10"},
		{"quota", func(in *desired.Input) { in.Quota = 3 }, 3, "room in the quota: 3"},
		{"full slots need no spare one", func(in *desired.Input) { in.InFlight = 224 }, 10, ""},
		{"a sixth of a replica", func(in *desired.Input) { in.InFlight = 1 }, 1, ""},
		{"nothing", func(in *desired.Input) { in.InFlight = 0 }, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := base
			c.change(&in)
			d := desired.Replicas(in)
			if d.Replicas != c.want || !strings.Contains(strings.Join(d.Reasons, "; "), c.says) {
				t.Errorf("%d because %q, want %d because %q", d.Replicas, d.Reasons, c.want, c.says)
			}
		})
	}
}

func number(t *rapid.T, name string) float64 {
	return rapid.OneOf(rapid.Float64Range(0, 1000),
		rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, 1e300})).Draw(t, name)
}

func input(t *rapid.T) desired.Input {
	return desired.Input{
		InFlight:    number(t, "in flight"),
		Rate:        number(t, "rate"),
		ServiceTime: time.Duration(rapid.Int64Range(-1, int64(time.Minute)).Draw(t, "service")),
		Concurrency: rapid.IntRange(-1, 64).Draw(t, "concurrency"),
		Utilization: number(t, "utilization"),
		Forecast:    number(t, "forecast"),
		ForecastAge: time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "age")),
		Current:     rapid.IntRange(-1, 50).Draw(t, "current"),
		Min:         rapid.IntRange(-1, 20).Draw(t, "min"),
		Max:         rapid.IntRange(-1, 50).Draw(t, "max"),
		Floor:       rapid.IntRange(-1, 30).Draw(t, "floor"),
		Quota:       rapid.IntRange(-1, 50).Draw(t, "quota"),
	}
}

func TestReplicas_IsWithinBoundsWhateverItIsTold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := input(t)
		upper := max(0, in.Max)
		if in.Quota >= 0 {
			upper = min(upper, in.Quota)
		}
		lower := min(upper, max(0, in.Min, in.Floor))
		if n := desired.Replicas(in).Replicas; n < lower || n > upper {
			t.Fatalf("%d is not within %d and %d", n, lower, upper)
		}
	})
}

func TestReplicas_AForecastNeverLowers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := input(t)
		with := desired.Replicas(in).Replicas
		in.Forecast = 0
		if without := desired.Replicas(in).Replicas; with < without {
			t.Fatalf("%d with the forecast, %d without", with, without)
		}
	})
}

func TestReplicas_AForecastThatIsNoNumberIsNone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := input(t)
		in.Forecast = rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, -1e300}).Draw(t, "broken")
		if d := desired.Replicas(in); d.Forecast != 0 {
			t.Fatalf("a forecast of %v asks for %d", in.Forecast, d.Forecast)
		}
	})
}

func TestReplicas_MoreDemandIsNeverFewerReplicas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := input(t)
		in.InFlight = rapid.Float64Range(0, 1e6).Draw(t, "demand")
		in.Forecast = rapid.Float64Range(0, 1e6).Draw(t, "expected")
		more := in
		more.InFlight += rapid.Float64Range(0, 1e6).Draw(t, "more")
		more.Forecast += rapid.Float64Range(0, 1e6).Draw(t, "more expected")
		if a, b := desired.Replicas(in).Replicas, desired.Replicas(more).Replicas; b < a {
			t.Fatalf("%d with less demand, %d with more", a, b)
		}
	})
}

func TestQuantile_IsTheNewsvendors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ miss, idle, want float64 }{
		{4, 1, 0.8}, {9, 1, 0.9}, {1, 1, 0.5}, {1, 9, 0.5}, {1, 0, 0.99}, {1e300, 1e-300, 0.99},
		{0, 0, 0.5}, {math.NaN(), 1, 0.5}, {1, math.Inf(1), 0.5}, {-1, 1, 0.5},
	} {
		if got := desired.Quantile(c.miss, c.idle); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("a miss costs %v, an idle replica %v: %v, want %v", c.miss, c.idle, got, c.want)
		}
	}
}

func TestLead_IsTheP90OnceThereAreEnough(t *testing.T) {
	t.Parallel()
	few := []time.Duration{40 * time.Second, 50 * time.Second}
	if got := desired.Lead(15*time.Second, 15*time.Second, few); got != 210*time.Second {
		t.Errorf("two cold starts: %s, want the prior's 210s", got)
	}
	many := []time.Duration{50, 41, 42, 43, 44, 45, 46, 47, 48, 300}
	for i := range many {
		many[i] *= time.Second
	}
	if got := desired.Lead(15*time.Second, 15*time.Second, many); got != 80*time.Second {
		t.Errorf("ten cold starts: %s, want 80s", got)
	}
}
