// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package coldstart_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
)

// What a start takes is taken from starts of its kind, where there are five; else from all, where there are three; else from nobody.
func TestLead_IsWhatIsKnownBest(t *testing.T) {
	t.Parallel()
	var seen []coldstart.Seen
	add := func(starts, took int, accelerator string, cold bool) {
		for range starts {
			seen = append(seen, start(fmt.Sprint("pod-", len(seen)), len(seen), took, accelerator, cold))
		}
	}
	anywhere := func(string) bool { return true }
	only := func(accelerator string) func(string) bool {
		return func(other string) bool { return other == accelerator }
	}
	expect := func(what string, weights v1alpha1.NodeState, here func(string) bool, want int32) {
		t.Helper()
		if got := coldstart.Lead(coldstart.Add(nil, seen), weights, here); got != want {
			t.Errorf("%s: %d s, want %d", what, got, want)
		}
	}
	expect("of nothing", v1alpha1.WarmState, anywhere, coldstart.Prior)
	add(2, 10, "H100", false)
	expect("of two", v1alpha1.WarmState, anywhere, coldstart.Prior)
	add(2, 90, "H100", true)
	expect("of four, two of them warm", v1alpha1.WarmState, anywhere, 90)
	add(3, 10, "H100", false)
	expect("of five warm ones", v1alpha1.WarmState, anywhere, 10)
	expect("cold, of two", v1alpha1.ColdState, anywhere, 90)
	add(5, 300, "T4", true)
	add(5, 40, "T4", false)
	expect("warm, on either", v1alpha1.WarmState, anywhere, 40)
	expect("warm, without the slow one", v1alpha1.WarmState, only("H100"), 10)
	expect("warm, on what was never seen", v1alpha1.WarmState, only("B200"), 40)
	expect("cold, where it was not seen often enough", v1alpha1.ColdState, only("H100"), 300)
	expect("of a target without a model", v1alpha1.UnknownState, anywhere, 300)
	if got := coldstart.Slow(coldstart.Add(nil, seen)); got != 300 {
		t.Errorf("all in all %d s", got)
	}
}

// It is never less than the fastest start that was seen, nor more than the slowest, or than what is taken before any.
func TestLead_IsWithinWhatWasSeen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var seen []coldstart.Seen
		least, most := coldstart.Prior, coldstart.Prior
		for i := range rapid.IntRange(0, 40).Draw(t, "starts") {
			took := rapid.IntRange(0, 600).Draw(t, "took")
			least, most = min(least, took), max(most, took)
			seen = append(seen, start(fmt.Sprint("pod-", i), i*1000, took, rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "accelerator"), rapid.Bool().Draw(t, "cold")))
		}
		here := rapid.SampledFrom([]string{"A", "B", "none"}).Draw(t, "here")
		weights := rapid.SampledFrom([]v1alpha1.NodeState{v1alpha1.WarmState, v1alpha1.ColdState, v1alpha1.UnknownState}).Draw(t, "weights")
		if got := coldstart.Lead(coldstart.Add(nil, seen), weights, func(a string) bool { return a == here }); int(got) < least || int(got) > most {
			t.Fatalf("%d s, of %d to %d", got, least, most)
		}
	})
}
