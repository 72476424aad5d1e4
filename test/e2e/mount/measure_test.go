// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// measured says that this run is for the numbers in docs/benchmarks.md. They are reported, never asserted.
func measured(t *testing.T) {
	t.Helper()
	if os.Getenv("HOIST_MEASURE") == "" {
		t.Skip("set HOIST_MEASURE=1 to measure")
	}
}

// How much later a pod with a mounted model is Ready than one with a hostPath to the same files: medians of 20, interleaved.
func TestMeasure_MountBesideHostPath(t *testing.T) { //nolint:paralleltest // measures
	measured(t)
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 8 << 20, Shard: 8 << 20, Seed: 20})
	s.model("tiny", "tiny/", "")
	s.prefetch("everywhere", "tiny", "")
	s.awaitCondition(new(v1alpha1.Prefetch), "everywhere", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	open := suite.NewNamespace(t, nil)
	volumes := map[string]string{
		"mount":    `csi: {driver: csi.hoist.dev, readOnly: true, volumeAttributes: {model: tiny, namespace: ` + s.Name + `}}`,
		"hostPath": `hostPath: {path: /var/lib/hoist}`,
	}
	s.model("tiny", "tiny/", ", allowedNamespaces: ["+open.Name+"]")
	took := map[string][]time.Duration{}
	for range 20 {
		for kind, volume := range volumes {
			took[kind] = append(took[kind], readyAfter(t, open, strings.ToLower(kind), volume))
		}
	}
	for kind, all := range took {
		slices.Sort(all)
		t.Logf("%s: Ready after %v (median), %v to %v", kind, all[len(all)/2].Round(time.Millisecond), all[0].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond))
	}
}

// readyAfter starts a pod and returns how long after its creation it runs, by the watch's own clock.
func readyAfter(t *testing.T, ns suite.Namespace, name, volume string) time.Duration {
	t.Helper()
	watch, err := ns.Client.CoreV1().Pods(ns.Name).Watch(t.Context(), metav1.ListOptions{LabelSelector: "app=" + name})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	start := time.Now()
	ns.Apply(strings.NewReplacer("POD", name, "VOLUME", volume).Replace(`
apiVersion: v1
kind: Pod
metadata: {name: POD, namespace: NAMESPACE, labels: {app: POD}}
spec:
  terminationGracePeriodSeconds: 0
  nodeName: node1
  containers: [{name: server, image: IMAGE, args: [pause], volumeMounts: [{name: model, mountPath: /models, readOnly: true}]}]
  volumes: [{name: model, VOLUME}]
`))
	var took time.Duration
	for event := range watch.ResultChan() {
		if pod, ok := event.Object.(*corev1.Pod); ok && suite.PodReady(pod) {
			took = time.Since(start)
			break
		}
	}
	if _, err := ns.Kubectl(context.WithoutCancel(t.Context()), "delete", "pod", name, "--wait", "--grace-period=0", "--force"); err != nil {
		t.Fatal(err)
	}
	return took
}

// How long after a Prefetch is created the first byte of its model is asked for at the origin: median of 10.
func TestMeasure_FromPrefetchToFirstByte(t *testing.T) { //nolint:paralleltest // measures
	measured(t)
	s := newScene(t)
	var all []time.Duration
	for i := range 10 {
		name := "m" + string(rune('a'+i))
		s.PutModel(t, name+"/", synth.Options{Size: 1 << 20, Shard: 1 << 20, Seed: uint64(30 + i)})
		s.model(name, name+"/", "")
		s.awaitCondition(new(v1alpha1.Model), name, v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
		before, start := s.Gets(), time.Now()
		s.prefetch(name, name, "")
		s.Await("the first byte", func(context.Context) (bool, error) { return s.Gets() > before, nil })
		all = append(all, time.Since(start))
		s.awaitCondition(new(v1alpha1.Prefetch), name, v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	}
	slices.Sort(all)
	t.Logf("first byte after %v (median), %v to %v", all[5].Round(time.Millisecond), all[0].Round(time.Millisecond), all[9].Round(time.Millisecond))
}
