// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/disk"
)

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "team-a", Name: name}
}

func revisionOf(name string) cachenode.Revision {
	return cachenode.Revision(fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name))))
}

// Disk is the truth: what the store has is Ready, whatever was wanted or tried.
func TestStatus_SaysOfEachModelHowFarItIs(t *testing.T) {
	t.Parallel()
	used := time.Date(2026, 5, 4, 12, 0, 0, 999, time.UTC)
	f := facts{
		wanted: map[types.NamespacedName]string{key("here"): string(revisionOf("here")), key("new"): string(revisionOf("new")), key("moving"): string(revisionOf("moving")),
			key("failed"): string(revisionOf("failed")), key("hopeless"): string(revisionOf("hopeless"))},
		problems: map[types.NamespacedName]string{key("hopeless"): "read the Secret team-a/keys: not found"},
		node: agent.Status{Models: []agent.ModelStatus{
			{Name: storeName(key("moving")), Phase: agent.Fetching, Bytes: 100, BytesDone: 40, BytesPerSecond: 10, RemainingSeconds: 6},
			{Name: storeName(key("failed")), Phase: agent.Failed, Error: "access denied"},
			{Name: storeName(key("here")), Phase: agent.Ready, MemoryBytes: 7},
		}},
		names:  map[types.NamespacedName]cachenode.Revision{key("here"): revisionOf("here"), key("beside"): revisionOf("beside"), key("moving"): revisionOf("old")},
		copies: map[cachenode.Revision]disk.Copy{revisionOf("here"): {Bytes: 50, LastUsed: used}, revisionOf("beside"): {Bytes: 20}},
		mounts: map[types.NamespacedName]int32{key("here"): 3},
	}
	got := map[string]v1alpha1.HeldModel{}
	for _, m := range f.status().Models {
		got[m.Name] = m
	}
	want := map[string]v1alpha1.HeldModel{
		"here":     {Phase: v1alpha1.ReadyPhase, BytesTotal: 50, BytesDone: 50, MemoryBytes: 7, Mounts: 3, LastUsed: &metav1.Time{Time: used.Truncate(time.Second)}},
		"new":      {Phase: v1alpha1.PendingPhase, BytesPerSecond: -1, RemainingSeconds: -1},
		"moving":   {Phase: v1alpha1.FetchingPhase, BytesTotal: 100, BytesDone: 40, BytesPerSecond: 10, RemainingSeconds: 6},
		"failed":   {Phase: v1alpha1.FailedPhase, BytesPerSecond: -1, RemainingSeconds: -1, Message: "access denied"},
		"hopeless": {Phase: v1alpha1.FailedPhase, BytesPerSecond: -1, RemainingSeconds: -1, Message: "read the Secret team-a/keys: not found"},
		"beside":   {Phase: v1alpha1.ReadyPhase, BytesTotal: 20, BytesDone: 20},
	}
	for name, w := range want {
		w.Namespace, w.Name, w.Revision = "team-a", name, string(revisionOf(name))
		if a, b := asJSON(t, got[name]), asJSON(t, w); a != b {
			t.Errorf("%s is\n%s, want\n%s", name, a, b)
		}
	}
	if c := f.status().Copies; c.ReadyOfTotal != "2/6" || c.Failed != 2 {
		t.Errorf("copies are %+v", c)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// G6: whatever a node has, its status stays small, what is wanted comes first, and messages are text.
func TestStatus_IsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := facts{wanted: map[types.NamespacedName]string{}, problems: map[types.NamespacedName]string{}, names: map[types.NamespacedName]cachenode.Revision{}}
		wanted := rapid.IntRange(0, v1alpha1.MaxModels).Draw(t, "wanted")
		message := strings.Repeat(rapid.SampledFrom([]string{"x", "é", "\xff", "…"}).Draw(t, "letter"), rapid.IntRange(0, 700).Draw(t, "long"))
		for i := range wanted {
			k := types.NamespacedName{Namespace: strings.Repeat("n", 63), Name: fmt.Sprintf("%s%03d", strings.Repeat("m", 60), i)}
			f.wanted[k], f.problems[k] = string(revisionOf("a")), message
		}
		for i := range rapid.IntRange(0, 400).Draw(t, "others") {
			f.names[key(fmt.Sprintf("other%d", i))] = revisionOf("b")
		}
		s := f.status()
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Models) > v1alpha1.MaxModels || len(text) > 300<<10 {
			t.Fatalf("%d models, %d bytes", len(s.Models), len(text))
		}
		for i, m := range s.Models {
			if (m.Namespace != "team-a") != (i < wanted) {
				t.Fatalf("model %d of %d wanted ones is %s/%s", i, wanted, m.Namespace, m.Name)
			}
			if len(m.Message) > 512 || strings.ToValidUTF8(m.Message, "") != m.Message {
				t.Fatalf("message of %d bytes: %q", len(m.Message), m.Message)
			}
		}
	})
}

func TestStatus_SaysHowTheNodeIs(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		health   string
		draining bool
		problems int
		status   metav1.ConditionStatus
		reason   string
		says     string
	}{
		"works":    {"Normal", false, 0, metav1.ConditionTrue, v1alpha1.AgentWorkingReason, "the agent works"},
		"failures": {"Normal", false, 1, metav1.ConditionTrue, v1alpha1.AgentWorkingReason, "1 of 1 models failed"},
		"unstable": {"Unstable", false, 1, metav1.ConditionTrue, v1alpha1.DiskUnstableReason, "being watched"},
		"down":     {"Down", false, 0, metav1.ConditionFalse, v1alpha1.DiskDownReason, "nothing new is stored"},
		"draining": {"Down", true, 0, metav1.ConditionFalse, v1alpha1.AgentDrainingReason, "stays mounted"},
	} {
		f := facts{draining: row.draining, wanted: map[types.NamespacedName]string{}, problems: map[types.NamespacedName]string{}}
		f.node.Cache.Health = row.health
		for i := range row.problems {
			k := key(fmt.Sprintf("m%d", i))
			f.wanted[k], f.problems[k] = string(revisionOf("a")), "no"
		}
		c := f.status().Conditions[0]
		if c.Status != row.status || c.Reason != row.reason || !strings.Contains(c.Message, row.says) {
			t.Errorf("%s: %+v", name, c)
		}
		f.conditions = []metav1.Condition{{Type: v1alpha1.ReadyCondition, Status: c.Status, LastTransitionTime: metav1.Unix(1, 0)}}
		if again := f.status().Conditions[0]; again.LastTransitionTime.Unix() != 1 {
			t.Errorf("%s: the transition moved without one", name)
		}
	}
}

// At rest a node writes every 90 seconds; numbers that move, every 4; what is news, at once.
func TestDue_WritesWhatIsNewsAtOnceAndNumbersNowAndThen(t *testing.T) {
	t.Parallel()
	last := &v1alpha1.CacheNodeStatus{Models: []v1alpha1.HeldModel{{Name: "a", Phase: v1alpha1.FetchingPhase}}, ReportedAt: &metav1.Time{}}
	with := func(change func(*v1alpha1.CacheNodeStatus)) *v1alpha1.CacheNodeStatus {
		s := last.DeepCopy()
		change(s)
		return s
	}
	same := with(func(s *v1alpha1.CacheNodeStatus) { s.ReportedAt = &metav1.Time{Time: time.Unix(1, 0)} })
	numbers := with(func(s *v1alpha1.CacheNodeStatus) {
		s.Models[0].BytesDone, s.Models[0].LastUsed, s.Disk.UsedBytes = 5, &metav1.Time{Time: time.Unix(1, 0)}, 9
	})
	phase := with(func(s *v1alpha1.CacheNodeStatus) { s.Models[0].Phase = v1alpha1.ReadyPhase })
	image := with(func(s *v1alpha1.CacheNodeStatus) { s.Images = []v1alpha1.HeldImage{{Image: "vllm"}} })
	for _, row := range []struct {
		what  string
		now   *v1alpha1.CacheNodeStatus
		since time.Duration
		want  bool
	}{
		{"the same", same, 89 * time.Second, false}, {"the same", same, 90 * time.Second, true},
		{"numbers", numbers, 3 * time.Second, false}, {"numbers", numbers, 4 * time.Second, true},
		{"a phase", phase, time.Second, true}, {"an image", image, time.Second, true},
	} {
		if got := due(last, row.now, row.since); got != row.want {
			t.Errorf("%s after %v: due is %v", row.what, row.since, got)
		}
	}
}
