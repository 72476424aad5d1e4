// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/bench/scale/policy"
	"github.com/hoist-dev/hoist/bench/scale/sim"
	"github.com/hoist-dev/hoist/bench/scale/trace"
	"github.com/hoist-dev/hoist/test/cluster/harness"
)

// What the cluster of the harness is set to, and what it is asked.
const (
	scrape, hpaSync = time.Second, 2 * time.Second
	slots           = 10 // of a replica; a ScalePolicy aims at 70 % of them
	most            = 6
	window          = 45 * time.Second // before a replica goes
	lasts           = 270 * time.Second
)

// The same arrivals, served by the real KEDA, HPA and Prometheus and by bench/scale's simulation, side by side. HOIST_MEASURE is the
// seed. The numbers are for docs/scale-replay.md: they are reported, never asserted.
func TestMeasure_SimulationBesideCluster(t *testing.T) { //nolint:paralleltest // measures
	var seed uint64
	if _, err := fmt.Sscan(os.Getenv("HOIST_MEASURE"), &seed); err != nil {
		t.Skip("set HOIST_MEASURE=1 to measure with the seed 1")
	}
	var requests []*request
	for _, r := range trace.Arrivals(seed, lasts-30*time.Second, burst) {
		requests = append(requests, &request{at: r.At})
	}
	g := onCluster(t, requests)
	cold := slices.Clone(g.starts[1:]) // the first was there before
	if slices.Sort(cold); len(cold) == 0 {
		t.Fatal("no replica was started")
	}
	config := sim.Config{Slots: slots, ColdStart: cold[len(cold)/2], Start: 1, Min: 1, Max: most, Until: lasts, Scrape: scrape}
	simulated := sim.Run(config, arrivals(requests), hoist(t, config.ColdStart))
	t.Logf("seed %d, %d requests, %d of them sent twice; cold starts of %v", seed, len(requests), g.retried, rounded(cold))
	t.Log("\n" + beside(measured(requests, g), simulated))
}

// burst is calm, in requests/s, with two bursts that need more replicas: five, and three for longer.
func burst(at time.Duration) float64 {
	switch {
	case at >= 30*time.Second && at < 60*time.Second:
		return 5
	case at >= 100*time.Second && at < 160*time.Second:
		return 3.5
	}
	return 0.8
}

// hoist is the policy as it is replayed, with this cluster's times.
func hoist(t *testing.T, cold time.Duration) sim.Policy {
	t.Helper()
	for _, p := range policy.All() {
		if p.Name != policy.Reactive {
			continue
		}
		if k, ok := p.New(policy.Setting{Slots: slots, Cold: cold}).(*policy.KEDA); ok {
			k.Sync, k.DownWindow = hpaSync, window
			return k
		}
	}
	t.Fatal("no policy of that name is replayed")
	return nil
}

func arrivals(requests []*request) (all []sim.Arrival) {
	for _, r := range requests {
		all = append(all, sim.Arrival{At: r.at, Service: r.took})
	}
	return all
}

// onCluster serves requests with real pods behind a gateway, which tells Prometheus what is in flight.
func onCluster(t *testing.T, requests []*request) *gateway {
	t.Helper()
	s := newScene(t)
	s.Apply(front)
	s.Apply(strings.NewReplacer("SIMSERVER", harness.Reference("simserver"), "SLOTS", fmt.Sprint(slots), "MOST", fmt.Sprint(most),
		"WINDOW", fmt.Sprint(window.Seconds())).Replace(`
apiVersion: apps/v1
kind: Deployment
metadata:
  name: llama
  namespace: NAMESPACE
  annotations: {hoist.dev/model: llama, hoist.dev/server: vLLM, hoist.dev/readiness: HTTP}
spec:
  replicas: 1
  selector: {matchLabels: {app: llama}}
  template:
    metadata: {labels: {app: llama}}
    spec:
      containers:
        - name: server
          image: SIMSERVER
          args: [--model=$(HOIST_MODEL_PATH), --served-model-name=tiny, --concurrency=SLOTS, --service-time=exp:6s, --startup-delay=15s]
---
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: llama, namespace: NAMESPACE}
spec:
  target: {name: llama}
  maxReplicas: MOST
  inFlightPerReplica: 7
  stabilizationSeconds: WINDOW
  query: 'max(testpod_gauge{namespace="NAMESPACE"})'
`))
	gauge := s.AwaitReady("front", 1)[0]
	s.policy("llama", "Ready", ready)
	ctx, cancel := context.WithTimeout(t.Context(), lasts+2*time.Minute)
	defer cancel()
	pods, err := s.Client.CoreV1().Pods(s.Name).Watch(ctx, metav1.ListOptions{LabelSelector: "app=llama"})
	if err != nil {
		t.Fatal(err)
	}
	defer pods.Stop()
	s.AwaitReady("llama", 1)
	s.inFlight("llama", 0)
	g := &gateway{slots: slots, gauge: "http://" + gauge.Status.PodIP + ":8080/gauge", begin: time.Now(), pods: map[string]*server{}}
	if err := g.run(ctx, requests, pods.ResultChan(), lasts); err != nil {
		t.Fatal(err)
	}
	return g
}
