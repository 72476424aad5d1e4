// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"math"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Whatever order marks come in, and whichever are missing, phases are never negative and add up to the whole.
func TestRun_PhasesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wanted := time.Unix(1000, 0)
		mark := func(name string) time.Time {
			if rapid.Bool().Draw(t, name+" is missing") {
				return time.Time{}
			}
			return wanted.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, name)))
		}
		s := started{wanted: wanted, created: mark("created"), scheduled: mark("scheduled"), sandboxed: mark("sandboxed"), initialized: mark("initialized"),
			running: mark("running"), contained: mark("contained"), ready: mark("ready"), listed: mark("listed"), answered: wanted.Add(time.Minute),
			inits: rapid.Bool().Draw(t, "inits"), claims: rapid.Bool().Draw(t, "claims")}
		if rapid.Bool().Draw(t, "told") {
			s.mounted = &v1alpha1.Mounted{After: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "mount")), Downloaded: rapid.Int64Range(0, 10).Draw(t, "downloaded")}
		}
		run := s.run(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "admission")))
		var sum float64
		for _, p := range run.Phases {
			if p.Seconds < 0 {
				t.Fatalf("%s takes %v s", p.Name, p.Seconds)
			}
			sum += p.Seconds
		}
		if math.Abs(sum-run.Seconds) > 1e-6 {
			t.Fatalf("phases add up to %v of %v s: %+v", sum, run.Seconds, run.Phases)
		}
	})
}

// A start of every kind of phase, and what of it is Hoist's.
func TestRun_SaysWhatHoistAdds(t *testing.T) {
	t.Parallel()
	at := func(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }
	s := started{wanted: at(0), created: at(20), scheduled: at(30), sandboxed: at(430), running: at(500), contained: at(3000), ready: at(3050), listed: at(3060), answered: at(3070),
		claims: true, mounted: &v1alpha1.Mounted{After: 8 * time.Millisecond}}
	run := s.run(5 * time.Millisecond)
	if own := run.OwnSeconds(); math.Abs(own-0.063) > 1e-9 {
		t.Errorf("Hoist adds %v s, want 0.005 of the webhook, 0.008 of the mount and 0.05 of the gate: %+v", own, run.Phases)
	}
	s.mounted = &v1alpha1.Mounted{After: 380 * time.Millisecond, Downloaded: 7}
	run = s.run(5 * time.Millisecond)
	if own := run.OwnSeconds(); math.Abs(own-0.055) > 1e-9 {
		t.Errorf("a download is no cost of Hoist's: %v s, %+v", own, run.Phases)
	}
}

func TestLook_NotesWhatIsSeenFirst(t *testing.T) {
	t.Parallel()
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: make([]corev1.Container, 1)}}
	var s started
	s.look(pod, time.Unix(1, 0))
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionFalse}}
	s.look(pod, time.Unix(2, 0))
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	s.look(pod, time.Unix(3, 0))
	want := started{created: time.Unix(1, 0), scheduled: time.Unix(2, 0), running: time.Unix(3, 0)}
	if s != want {
		t.Errorf("it notes %+v, want %+v", s, want)
	}
}

// What was there before a benchmark stays: the pod that it started goes, and those of one that was killed, which are the youngest.
func TestSurplus_IsWhatCameLast(t *testing.T) {
	t.Parallel()
	pod := func(name string, at int64, change func(*corev1.Pod)) corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.Unix(at, 0)}}
		if change != nil {
			change(&p)
		}
		return p
	}
	now := metav1.Unix(9, 0)
	pods := []corev1.Pod{pod("old", 1, nil), pod("second", 5, nil), pod("first", 5, nil), pod("going", 8, func(p *corev1.Pod) { p.DeletionTimestamp = &now }),
		pod("evicted", 8, func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })}
	for _, c := range []struct {
		started  string
		replicas int
		want     string
	}{
		{"", 3, ""},
		{"", 9, ""},
		{"", 2, "second"},
		{"", 1, "second first"},
		{"first", 2, "first"},
		{"first", 0, "first second old"},
		{"gone", 1, "second first"},
	} {
		if got := strings.Join(surplus(pods, c.started, c.replicas), " "); got != c.want {
			t.Errorf("beyond %d, with %q the last: %q, want %q", c.replicas, c.started, got, c.want)
		}
	}
}

func TestProofs_ShowTheStateThatWasClaimed(t *testing.T) {
	t.Parallel()
	const total = 1000
	for _, c := range []struct {
		scenario   string
		had        held
		downloaded int64
		holds      bool
	}{
		{uncachedName, held{}, total, true},
		{uncachedName, held{disk: 1}, total, false},
		{uncachedName, held{}, 0, false},
		{cachedName, held{disk: total}, 0, true},
		{cachedName, held{disk: total - 1}, 0, false},
		{cachedName, held{disk: total}, 1, false},
		{cachedName, held{disk: total}, -1, false}, // nothing was told
		{prewarmedName, held{disk: total, memory: 990}, 0, true},
		{prewarmedName, held{disk: total, memory: 900}, 0, false},
	} {
		mounted := &v1alpha1.Mounted{Downloaded: c.downloaded}
		if c.downloaded < 0 {
			mounted = nil
		}
		holds := true
		for _, p := range proofs(find(c.scenario), c.had, total, mounted) {
			holds = holds && p.OK
		}
		if holds != c.holds {
			t.Errorf("%s of a node with %+v that downloads %d: %v, want %v", c.scenario, c.had, c.downloaded, holds, c.holds)
		}
	}
}

func TestCompletion_NamesTheServersFirstModel(t *testing.T) {
	t.Parallel()
	if body, err := completion([]byte(`{"object":"list","data":[{"id":"llama \"3\""},{"id":"other"}]}`)); err != nil || !strings.Contains(body, `"model":"llama \"3\""`) {
		t.Errorf("%s, %v", body, err)
	}
	for _, bad := range []string{"", "<html>", `{"data":[]}`} {
		if _, err := completion([]byte(bad)); err == nil || !strings.Contains(err.Error(), "--body") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestConfig_RefusesWhatCannotBeMeasured(t *testing.T) {
	t.Parallel()
	good := Config{Runs: 1, Nodes: 1, Scenarios: Scenarios()}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*Config){
		"0 runs":          func(c *Config) { c.Runs = 0 },
		"0 nodes":         func(c *Config) { c.Nodes = 0 },
		"no scenario":     func(c *Config) { c.Scenarios = nil },
		`"lukewarm"`:      func(c *Config) { c.Scenarios = []string{"lukewarm"} },
		`"baseline"`:      func(c *Config) { c.Scenarios = []string{baselineName} },
		"named twice":     func(c *Config) { c.Scenarios = []string{cachedName, cachedName} },
		"path and a body": func(c *Config) { c.Path = "/generate" },
	} {
		bad := good
		change(&bad)
		if err := bad.check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
