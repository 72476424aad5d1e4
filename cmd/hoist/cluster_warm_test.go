// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

func warmFloor() []client.Object {
	return slices.Concat(someNode("gpu-1"), someNode("gpu-2"), []client.Object{someModel("llama3-8b", 16<<30), someModel("huge", 100<<30)})
}

func (f fakeCluster) prefetch(name string) *v1alpha1.Prefetch {
	f.t.Helper()
	p := &v1alpha1.Prefetch{}
	if err := f.Get(f.t.Context(), client.ObjectKey{Namespace: "team-a", Name: name}, p); err != nil {
		f.t.Fatal(err)
	}
	return p
}

func TestWarm_WritesThePrefetchThatTheFlagsSay(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, interceptor.Funcs{}, warmFloor()...)
	o := f.run("warm", "llama3-8b", "--nodes", "1", "--selector", "pool=gpu", "--for", "8h", "--tier", "Memory")
	o.want(t, exitOK)
	o.says(t, "Prefetch team-a/warm-llama3-8b of llama3-8b, 16.0Gi: fits on the 1 node asked for; 16.0Gi to download", "(needs it)")
	one := int32(1)
	want := v1alpha1.PrefetchSpec{ModelName: "llama3-8b", Tier: v1alpha1.MemoryTier, TTLAfterLastUse: &metav1.Duration{Duration: 8 * time.Hour},
		Nodes: v1alpha1.NodeTarget{Count: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"pool": "gpu"}}}}
	if diff := cmp.Diff(want, f.prefetch("warm-llama3-8b").Spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	f.run("warm", "llama3-8b", "--percent", "100").want(t, exitOK) // what is not said any more goes
	hundred := int32(100)
	want = v1alpha1.PrefetchSpec{ModelName: "llama3-8b", Tier: v1alpha1.DiskTier, Nodes: v1alpha1.NodeTarget{Percent: &hundred}}
	if diff := cmp.Diff(want, f.prefetch("warm-llama3-8b").Spec); diff != "" {
		t.Errorf("after the second run (-want +got):\n%s", diff)
	}

	f.run("warm", "llama3-8b", "--off").says(t, "deleted")
	f.run("warm", "llama3-8b", "--off").want(t, exitNotFound, "not found")
}

func TestWarm_RefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	foreign := &v1alpha1.Prefetch{ObjectMeta: named("warm-huge"), Spec: v1alpha1.PrefetchSpec{ModelName: "huge"}}
	f := newFakeCluster(t, interceptor.Funcs{}, append(warmFloor(), foreign)...)
	f.run("warm", "nothing").want(t, exitNotFound, "there is no Model nothing in namespace team-a")
	f.run("warm", "huge", "--off").want(t, exitInUse, "was not written by hoist warm")
	for _, args := range [][]string{
		{}, {"--nodes", "0"}, {"--percent", "101"}, {"--nodes", "1", "--percent", "1"}, {"--tier", "Tape"}, {"--for", "-1h"},
		{"--selector", "a in"}, {"--off", "--wait"},
	} {
		command := append([]string{"warm", "llama3-8b"}, args...)
		if len(args) == 0 {
			command = command[:1]
		}
		f.run(command...).want(t, exitUsage)
	}
}

func TestWarm_WithoutTheRightToListSaysSo(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return forbidden("list", "")
	}}, warmFloor()...)
	o := f.run("warm", "llama3-8b")
	o.want(t, exitOK)
	o.says(t, "Prefetch team-a/warm-llama3-8b written")
	f.run("plan").want(t, exitDenied, "you may not list", "ask whoever runs the cluster")
}

// controlled is a cluster whose controller says, at each look at a Prefetch, what comes next; the last stays.
func controlled(t *testing.T, says ...v1alpha1.PrefetchStatus) fakeCluster {
	t.Helper()
	look := 0
	return newFakeCluster(t, interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		err := c.Get(ctx, key, obj, opts...)
		if p, ok := obj.(*v1alpha1.Prefetch); ok && err == nil {
			p.Status = says[min(look, len(says)-1)]
			p.Status.ObservedGeneration = p.Generation
			for i := range p.Status.Conditions {
				p.Status.Conditions[i].ObservedGeneration = p.Generation
			}
			look++
		}
		return err
	}}, warmFloor()...)
}

func TestWarm_WaitsUntilEveryNodeHasIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fetching := v1alpha1.PrefetchStatus{Copies: v1alpha1.Copies{ReadyOfTotal: "1/2"}, BytesDone: 24 << 30, BytesTotal: 32 << 30, BytesPerSecond: 1 << 30, RemainingSeconds: 8,
			Conditions: condition(v1alpha1.ReadyCondition, v1alpha1.FetchingReason, "", false)}
		there := v1alpha1.PrefetchStatus{Conditions: condition(v1alpha1.ReadyCondition, v1alpha1.CompleteReason, "2/2 nodes have it", true)}
		f := controlled(t, v1alpha1.PrefetchStatus{}, fetching, fetching, fetching, fetching, fetching, there)
		o := f.run("warm", "llama3-8b", "--wait")
		o.want(t, exitOK)
		o.says(t, "waits for the controller\n", "75%  24.0Gi of 32.0Gi, 1/2 nodes have it, 1.0Gi/s, 8s left\n2/2 nodes have it\n")
	})
}

func TestWarm_EndsWithACodeWhenItCannotBe(t *testing.T) {
	t.Parallel()
	for reason, code := range map[string]int{v1alpha1.TooBigReason: exitNoSpace, v1alpha1.NoNodesReason: exitCorrupt, v1alpha1.FailedReason: exitCorrupt} {
		f := controlled(t, v1alpha1.PrefetchStatus{Conditions: condition(v1alpha1.ReadyCondition, reason, "because of this", false)})
		f.run("warm", "huge", "--wait").want(t, code, "Prefetch team-a/warm-huge is not complete: because of this")
	}
}

func TestWarm_TellsThatNoControllerLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := controlled(t, v1alpha1.PrefetchStatus{})
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		root := newRootOn(func(*access) (cluster, error) { return cluster{Client: f.Client, namespace: "team-a"}, nil })
		var stdout, stderr output
		if code := execute(ctx, root, []string{"warm", "llama3-8b", "--wait"}, &stdout, &stderr); code == exitOK {
			t.Error("it ended well")
		}
		if !strings.Contains(stdout.String(), "is it up? kubectl get pods") {
			t.Errorf("it says\n%s", stdout.String())
		}
	})
}
