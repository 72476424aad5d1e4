// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/policy"
	"github.com/hoist-dev/hoist/bench/scale/trace"
)

// The goals, on a load with other seeds than those of the page.
func TestReplay_ForecastSparesHalfForATenth(t *testing.T) {
	if testing.Short() {
		t.Skip("replays a fortnight")
	}
	t.Parallel()
	l := fortnightOf(4242, "seasons", "seasons", true, trace.Seasons(4242), nil, "test")
	o := replay(l, io.Discard)
	for _, cold := range []time.Duration{45 * time.Second, 20 * time.Second} {
		k, r, f := o.row(cold, policy.InFlightKEDA), o.row(cold, policy.Reactive), o.row(cold, policy.Forecast)
		if f.Slow > r.Slow/2 || f.GPUHours > 1.1*r.GPUHours {
			t.Errorf("cold start %s: %.3f %% slow and %.0f GPU hours with the forecast, %.3f %% and %.0f without",
				cold, 100*f.Slow, f.GPUHours, 100*r.Slow, r.GPUHours)
		}
		if r.Slow > 1.02*k.Slow || r.GPUHours > 1.02*k.GPUHours {
			t.Errorf("cold start %s: reactive %.3f %% slow and %.0f GPU hours, KEDA in-flight %.3f %% and %.0f",
				cold, 100*r.Slow, r.GPUHours, 100*k.Slow, k.GPUHours)
		}
	}
	for i, coverage := range o.score.coverage {
		if coverage < 0.88 || coverage > 0.92 {
			t.Errorf("%s ahead the P90 covers %.1f %%", horizons[i], 100*coverage)
		}
		if o.score.pinball[i] >= o.score.naive[i] {
			t.Errorf("%s ahead the loss is %.3f, seasonal-naive's %.3f", horizons[i], o.score.pinball[i], o.score.naive[i])
		}
	}
}

func TestForecasts_UseNoMinuteThatIsNotOver(t *testing.T) {
	t.Parallel()
	counts := make([]float64, 8*1440)
	for i := range counts {
		counts[i] = 100 + 50*math.Sin(float64(i)/1440*2*math.Pi)
		if i%60 < 10 { // jobs, which are worth a forecast
			counts[i] += 300
		}
	}
	a, _ := forecasts(counts, time.Second, 2*time.Minute)
	for i := 7*1440 + 500; i < len(counts); i++ {
		counts[i] = 1e6
	}
	b, _ := forecasts(counts, time.Second, 2*time.Minute)
	for i := range 7*1440 + 501 {
		if a[i] != b[i] {
			t.Fatalf("minute %d is %v, with another future %v", i, a[i], b[i])
		}
	}
	if a[7*1440+100] == 0 {
		t.Error("no forecast after a week")
	}
}

func TestRun_ReplaysAFolderAndWritesOnlyItsSection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var csv strings.Builder
	csv.WriteString("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n")
	for i := range 200 {
		fmt.Fprintf(&csv, "%d,GPT-4,100,50,150,API log\n", i)
	}
	page := filepath.Join(dir, "page.md")
	if err := os.WriteFile(filepath.Join(dir, "burst.csv"), []byte(csv.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, []byte("before\n"+beginMark+"old\n"+endMark+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-traces", dir, "-out", page, "-images", dir, "-loads", "Recorded"}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(got, []byte("before\n")) || !bytes.HasSuffix(got, []byte("after\n")) || bytes.Contains(got, []byte("old\n")) ||
		!bytes.Contains(got, []byte("so that what Hoist does is reactive")) {
		t.Errorf("%s", got)
	}
}
