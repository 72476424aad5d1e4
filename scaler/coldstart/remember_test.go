// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package coldstart_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
)

// start is that of a pod that was wanted, and took, so many seconds.
func start(name string, wanted, took int, accelerator string, cold bool) coldstart.Seen {
	p := pod(name, 0, 0, 0, took, 0)
	p.CreationTimestamp = at(wanted)
	for i := range p.Status.Conditions {
		p.Status.Conditions[i].LastTransitionTime.Time = p.Status.Conditions[i].LastTransitionTime.Add(time.Duration(wanted) * time.Second)
	}
	p.Status.ContainerStatuses[0].State.Running.StartedAt = at(wanted)
	s := coldstart.Seen{Pod: &p, Node: gpu(accelerator), Events: said(0, "9ms", "")}
	if cold {
		s.Events = said(1<<30, "20s", "")
	}
	return s
}

func pods(seen []coldstart.Seen) (all []corev1.Pod) {
	for _, s := range seen {
		all = append(all, *s.Pod)
	}
	return all
}

func TestAdd_RemembersTheLastStarts(t *testing.T) {
	t.Parallel()
	if coldstart.Add(nil, nil) != nil || coldstart.News(nil, nil) != nil {
		t.Error("something is known before the first start")
	}
	var status *v1alpha1.ColdStartStatus
	for i := range 30 {
		s := start(fmt.Sprint("pod-", i), i, 10+i, "H100", false)
		status = coldstart.Add(status, []coldstart.Seen{s, s})
	}
	if len(status.Recent) != 20 || status.Recent[19].Pod != "pod-29" || status.P50Seconds != 29 || status.P90Seconds != 37 {
		t.Errorf("%d starts, the last %s, p50 %d, p90 %d", len(status.Recent), status.Recent[19].Pod, status.P50Seconds, status.P90Seconds)
	}
	want := []v1alpha1.ColdStartGroup{{Accelerator: "H100", Weights: v1alpha1.WarmState, Starts: 10, P50Seconds: 34, P90Seconds: 38}}
	if diff := cmp.Diff(want, status.Groups); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A hundred starts on warm nodes do not make those on cold ones forgotten, and each accelerator has its own.
func TestAdd_TellsGroupsApart(t *testing.T) {
	t.Parallel()
	var seen []coldstart.Seen
	for i := range 12 {
		seen = append(seen, start(fmt.Sprint("cold-", i), i, 100+i, "H100", true), start(fmt.Sprint("old-", i), i, 200+i, "T4", true))
	}
	status := coldstart.Add(nil, seen)
	for i := range 100 {
		status = coldstart.Add(status, []coldstart.Seen{start(fmt.Sprint("warm-", i), 1000+i, 10, "H100", false)})
	}
	want := []v1alpha1.ColdStartGroup{
		{Accelerator: "H100", Weights: v1alpha1.ColdState, Starts: 10, P50Seconds: 106, P90Seconds: 110},
		{Accelerator: "H100", Weights: v1alpha1.WarmState, Starts: 10, P50Seconds: 10, P90Seconds: 10},
		{Accelerator: "T4", Weights: v1alpha1.ColdState, Starts: 10, P50Seconds: 206, P90Seconds: 210},
	}
	if diff := cmp.Diff(want, status.Groups); diff != "" || status.P90Seconds != 10 || len(status.Recent) != 40 {
		t.Errorf("p90 %d of %d (-want +got):\n%s", status.P90Seconds, len(status.Recent), diff)
	}
	phases := coldstart.Phases(status)
	if i := slices.IndexFunc(phases, func(p coldstart.Phase) bool { return p.Accelerator == "T4" && p.Name == "Loaded" }); len(phases) != 18 || phases[i].P90 != 210 || phases[i].Weights != v1alpha1.ColdState {
		t.Errorf("phases %+v", phases)
	}
}

// Whatever comes in whatever order, no more is remembered than the API takes, each start once, the last ones; and the order of pods in a list does not matter.
func TestAdd_IsBoundedAndHasNoOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var status *v1alpha1.ColdStartStatus
		for batch := range rapid.IntRange(1, 4).Draw(t, "batches") {
			var seen []coldstart.Seen
			for i := range rapid.IntRange(0, 60).Draw(t, "starts") {
				seen = append(seen, start(fmt.Sprintf("pod-%d-%d", batch, i), rapid.IntRange(0, 500).Draw(t, "wanted"), rapid.IntRange(0, 300).Draw(t, "took"),
					rapid.SampledFrom([]string{"A", "B", "C", "D", "E", ""}).Draw(t, "accelerator"), rapid.Bool().Draw(t, "cold")))
			}
			next := coldstart.Add(status, seen)
			if diff := cmp.Diff(next, coldstart.Add(status, rapid.Permutation(seen).Draw(t, "order"))); diff != "" {
				t.Fatalf("the order of pods matters:\n%s", diff)
			}
			if diff := cmp.Diff(next, coldstart.Add(next, nil)); diff != "" {
				t.Fatalf("what is remembered changes when nothing happens:\n%s", diff)
			}
			status = next
			news := coldstart.News(status, pods(seen))
			if len(news) > 20 {
				t.Fatalf("%d pods are new", len(news))
			}
			if status != nil && len(news) > 0 && len(status.Recent) >= 20 {
				t.Fatalf("%s is new after it was seen", news[0].Name)
			}
		}
		if status == nil {
			return
		}
		if len(status.Recent) > 100 || len(status.Groups) > 8 || status.P50Seconds > status.P90Seconds {
			t.Fatalf("%d starts, %d groups, p50 %d, p90 %d", len(status.Recent), len(status.Groups), status.P50Seconds, status.P90Seconds)
		}
		names, groups := map[string]bool{}, map[string]bool{}
		for i, c := range status.Recent {
			if names[c.Pod] || i > 0 && c.At.Before(&status.Recent[i-1].At) {
				t.Fatalf("%s is there twice, or after a later one", c.Pod)
			}
			names[c.Pod] = true
		}
		for _, g := range status.Groups {
			if key := g.Accelerator + string(g.Weights); groups[key] || g.P50Seconds > g.P90Seconds || g.Starts < 1 || g.Starts > 10 {
				t.Fatalf("%+v", g)
			} else {
				groups[key] = true
			}
		}
		for _, p := range coldstart.Phases(status) {
			if p.P50 > p.P90 || p.P50 < 0 {
				t.Fatalf("%+v", p)
			}
		}
	})
}

// Who reads events reads those of pods that are news, and of no others.
func TestNews_AreStartsThatNobodyKnows(t *testing.T) {
	t.Parallel()
	names := func(all []*corev1.Pod) (names []string) {
		for _, p := range all {
			names = append(names, p.Name)
		}
		return names
	}
	first := []coldstart.Seen{start("a", 0, 10, "H100", true), start("b", 5, 10, "H100", true)}
	if got := names(coldstart.News(nil, pods(first))); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("at first %v", got)
	}
	status := coldstart.Add(nil, first)
	starting := pod("c", 1, 1, 1, 1, 1)
	starting.Status.Conditions[3].Status = corev1.ConditionFalse
	if got := coldstart.News(status, append(pods(first), starting)); got != nil {
		t.Errorf("again %v", names(got))
	}
	// A StatefulSet's pod has the name of the one before it, and is another.
	second := start("a", 100, 10, "H100", false)
	if got := names(coldstart.News(status, pods([]coldstart.Seen{second, first[1]}))); !slices.Equal(got, []string{"a"}) {
		t.Errorf("of the same name %v", got)
	}
	status = coldstart.Add(status, []coldstart.Seen{second, first[1]})
	if c := status.Recent; len(c) != 2 || c[0].Pod != "b" || c[1].Weights != v1alpha1.WarmState {
		t.Errorf("of the same name %+v", c)
	}
	var many []coldstart.Seen
	for i := range 50 {
		many = append(many, start(fmt.Sprint("many-", i), 200+i, 10, "H100", true))
	}
	got := coldstart.News(status, pods(many))
	if len(got) != 20 || got[0].Name != "many-30" || got[19].Name != "many-49" {
		t.Errorf("of many %v", names(got))
	}
	if rest := coldstart.News(coldstart.Add(status, many[30:]), pods(many)); rest != nil {
		t.Errorf("and then %v", names(rest))
	}
}

// Starts of another model say nothing of this one.
func TestAdd_ForgetsAnotherModel(t *testing.T) {
	t.Parallel()
	with := func(s coldstart.Seen, model string) coldstart.Seen {
		s.Pod.Namespace = "team-a"
		s.Pod.Spec.Volumes = []corev1.Volume{{Name: "m", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: v1alpha1.Driver, VolumeAttributes: map[string]string{v1alpha1.ModelAttribute: model}}}}}
		return s
	}
	status := coldstart.Add(nil, []coldstart.Seen{with(start("a", 0, 900, "H100", true), "big"), with(start("b", 1, 900, "H100", true), "big")})
	if status.Model != "team-a/big" || len(status.Recent) != 2 {
		t.Errorf("%+v", status)
	}
	status = coldstart.Add(status, []coldstart.Seen{with(start("d", 1000, 10, "H100", true), "small"), with(start("c", 2, 900, "H100", true), "big")})
	if status.Model != "team-a/small" || len(status.Recent) != 1 || status.P90Seconds != 10 {
		t.Errorf("%+v", status)
	}
	if status = coldstart.Add(status, []coldstart.Seen{with(start("c", 2, 900, "H100", true), "big")}); status.Model != "team-a/small" || len(status.Recent) != 1 {
		t.Errorf("an old one comes late: %+v", status)
	}
}
