// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/hoist-dev/hoist/prefetch/plan"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func key(name string) plan.Key { return plan.Key{Namespace: "team-a", Name: name} }

// floor is a cluster of three nodes: llama3-8b is whole on the first and half on the second; the third is full of what nobody wants.
func floor(prefetches ...plan.Prefetch) plan.Input {
	const other = "sha256:ffffffffffffffff"
	return plan.Input{Now: now,
		Models: []plan.Model{{Key: key("llama3-8b"), Revision: revision, Bytes: 16 * gib}, {Key: key("big"), Revision: revision, Bytes: 90 * gib}},
		Nodes: []plan.Node{
			{Name: "gpu-1", Ready: true, Budget: 64 * gib, Held: []plan.Held{{Key: key("llama3-8b"), Revision: revision, Bytes: 16 * gib, Total: 16 * gib, Ready: true, Wanted: true}}},
			{Name: "gpu-2", Ready: true, Budget: 64 * gib, Held: []plan.Held{{Key: key("llama3-8b"), Revision: revision, Bytes: 8 * gib, Total: 16 * gib, Wanted: true},
				{Key: key("llama3-8b"), Revision: other, Bytes: 16 * gib, Ready: true}}},
			{Name: "gpu-3", Ready: true, Budget: 20 * gib, Held: []plan.Held{{Key: plan.Key{Namespace: "team-b", Name: "old"}, Revision: other, Bytes: 18 * gib, Total: 18 * gib, Ready: true}}},
			{Name: "gpu-4", Budget: 64 * gib, Held: []plan.Held{{Key: key("llama3-8b"), Revision: revision, Wanted: true}}},
		},
		Prefetches: prefetches,
	}
}

func wants(name, model string) plan.Prefetch {
	return plan.Prefetch{Key: key(name), Model: key(model), Selector: labels.Everything(), Active: true}
}

func told(t *testing.T, d view.Dry) string {
	t.Helper()
	var b strings.Builder
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDryRun_SaysWhatGoesWhere(t *testing.T) {
	t.Parallel()
	in := floor(wants("everywhere", "llama3-8b"), wants("twice", "llama3-8b"), wants("too-big", "big"), wants("typo", "lama"))
	refused := map[plan.Key]error{key("odd"): errors.New("cron: five fields")}
	got := view.DryRun(in, plan.Make(in), refused, map[plan.Key]string{key("everywhere"): "new"}, func(plan.Key) bool { return true })
	want := `Prefetch team-a/everywhere (new) of llama3-8b, 16.0Gi: fits on the 4 nodes asked for; 1 is not ready; 24.0Gi to download
  gpu-1 (has it)
  gpu-2 (has a part)
  gpu-3 (needs it)
  gpu-4 (not ready)
Prefetch team-a/odd: its spec can't be read: cron: five fields
Prefetch team-a/too-big of big, 90.0Gi: fits on no node that matches: gpu-1 lacks 42.0 GiB, gpu-2 lacks 42.0 GiB, gpu-3 lacks 86.0 GiB
Prefetch team-a/twice of llama3-8b, 16.0Gi: fits on the 4 nodes asked for; 1 is not ready; 24.0Gi to download
  gpu-1 (has it)
  gpu-2 (has a part)
  gpu-3 (needs it)
  gpu-4 (not ready)
Prefetch team-a/typo of lama: there is no Model team-a/lama
24.0Gi to download in all; to make room 1 copy goes (18.0Gi)
NODE    NAMESPACE   EVICTED   REVISION       SIZE
gpu-3   team-b      old       ffffffffffff   18.0Gi
`
	if diff := cmp.Diff(want, told(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDryRun_ExpiredAndSuspendedDownloadNothing(t *testing.T) {
	t.Parallel()
	expired, suspended := wants("expired", "llama3-8b"), wants("suspended", "llama3-8b")
	expired.TTL = time.Hour
	suspended.Active, suspended.Suspend = false, true
	in := floor(expired, suspended)
	in.Nodes = in.Nodes[:2] // those that once had it
	for i := range in.Nodes {
		for j := range in.Nodes[i].Held {
			h := &in.Nodes[i].Held[j]
			h.LastUsed, h.Ready, h.Bytes, h.Wanted = now.Add(-2*time.Hour), false, 0, false
		}
	}
	got := view.DryRun(in, plan.Make(in), nil, nil, func(plan.Key) bool { return true })
	if got.Bytes != 0 {
		t.Errorf("%d bytes to download:\n%s", got.Bytes, told(t, got))
	}
	if text := told(t, got); !strings.Contains(text, "(unused too long)") || !strings.Contains(text, "nothing is to download; nothing must go") {
		t.Errorf("it says\n%s", text)
	}
}

func TestDryRun_NamesNotMoreNodesThanAnybodyReads(t *testing.T) {
	t.Parallel()
	in := floor(wants("everywhere", "llama3-8b"))
	in.Nodes = nil
	for i := range 50 {
		in.Nodes = append(in.Nodes, plan.Node{Name: "gpu-" + string(rune('A'+i)), Ready: true, Budget: 64 * gib})
	}
	got := view.DryRun(in, plan.Make(in), nil, nil, func(plan.Key) bool { return true })
	if text := told(t, got); !strings.Contains(text, "  and 30 more\n800.0Gi to download in all") {
		t.Errorf("it says\n%s", text)
	}
}

func TestChanges_NameThoseThatFareDifferently(t *testing.T) {
	t.Parallel()
	small, rival := wants("small", "llama3-8b"), wants("rival", "big")
	rival.Priority = 1
	before := floor(small)
	before.Nodes = before.Nodes[:1]
	before.Nodes[0].Budget = 100 * gib
	after := before
	after.Prefetches = []plan.Prefetch{small, rival}
	got := view.Changes(plan.Make(before), plan.Make(after), map[plan.Key]string{key("rival"): "new"})
	if diff := cmp.Diff(map[plan.Key]string{key("rival"): "new", key("small"): "affected"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
