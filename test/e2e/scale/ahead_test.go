// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/scaler/queue"
)

// Prometheus remembers nine days on which demand came at this time of the day. Weights are on a node before it comes today, and no pod asked.
func TestForecast_BringsWeightsBeforeDemand(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	now := time.Now().Truncate(time.Minute)
	s.remember(now, daily(now.Add(5*time.Minute)))
	s.server("llama", 0, "")
	s.Apply(`
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: ahead, namespace: NAMESPACE}
spec:
  target: {name: llama}
  minReplicas: 0
  maxReplicas: 8
  wake: {query: vector(0)}
  forecast: {nodes: 1, query: 'max(remembered{namespace="NAMESPACE"})'}
`)
	p := s.policy("ahead", "forecast", func(p *v1alpha1.ScalePolicy) bool {
		return p.Status.Forecast != nil && len(p.Status.Forecast.Nodes) == 1
	})
	if f := p.Status.Forecast; f.Replicas != 5 || f.Message != "" {
		t.Errorf("it expects %+v", f)
	}
	s.Await("the weights to be on the node", func(ctx context.Context) (bool, error) {
		var c v1alpha1.CacheNode
		if err := s.Hoist.Get(ctx, client.ObjectKey{Name: p.Status.Forecast.Nodes[0]}, &c); err != nil {
			return false, err
		}
		for _, m := range c.Status.Models {
			if m.Namespace == s.Name && m.Name == "llama" && m.Phase == v1alpha1.ReadyPhase {
				return true, nil
			}
		}
		return false, fmt.Errorf("it has %+v", c.Status.Models)
	})
	if wants, err := s.wants(t.Context(), "llama"); err != nil || wants != 0 {
		t.Errorf("%d replicas are wanted, %v: nobody asked for them ahead", wants, err)
	}
	s.comparesStarts(p.Status.Forecast.Nodes[0])
}

// comparesStarts starts a pod with the model that is on a node, and one with a model that is on none, from a distant origin.
func (s scene) comparesStarts(prewarmed string) {
	s.t.Helper()
	s.origin.PutModel(s.t, "cold/", synth.Options{Size: 8 << 20, Shard: 8 << 20, Seed: 82})
	s.Apply(strings.ReplaceAll(llama(s.origin), "llama", "cold"))
	s.AwaitCondition(new(v1alpha1.Model), "cold", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
	s.origin.Delay(3 * time.Second)
	defer s.origin.Delay(0)
	node, warm := s.started("llama", "warm")
	_, cold := s.started("cold", "cold")
	s.t.Logf("from wanted to Ready: %.1f s on the node that was prewarmed, %.1f s on one that was not", warm.Seconds(), cold.Seconds())
	if node != prewarmed || warm >= cold {
		s.t.Errorf("the pod is on %s and was Ready after %v, want %s, and less than %v", node, warm, prewarmed, cold)
	}
}

// daily is a demand that comes at one time of every day, for six hours.
func daily(comes time.Time) func(time.Time) int {
	return func(at time.Time) int {
		if since := at.Sub(comes) % (24 * time.Hour); (since+24*time.Hour)%(24*time.Hour) < 6*time.Hour {
			return 110
		}
		return 2
	}
}

// remember gives Prometheus nine days of a series up to now, and waits until it has found them.
func (s scene) remember(now time.Time, value func(time.Time) int) {
	s.t.Helper()
	const minutes = 9 * 24 * 60
	var text strings.Builder
	text.WriteString("# TYPE remembered gauge\n")
	for i := range minutes {
		at := now.Add(time.Duration(i-minutes+1) * time.Minute)
		fmt.Fprintf(&text, "remembered{namespace=%q} %d %d\n", s.Name, value(at), at.Unix())
	}
	text.WriteString("# EOF\n")
	file := filepath.Join(s.t.TempDir(), "remembered")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if out, err := exec.CommandContext(s.t.Context(), "promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", file, s.Cluster.PrometheusData()).CombinedOutput(); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	prometheus := s.prometheus()
	s.Await("Prometheus to remember", func(ctx context.Context) (bool, error) {
		_, err := prometheus.Now(ctx, fmt.Sprintf("count_over_time(remembered{namespace=%q}[8d]) > 11000", s.Name), now)
		return err == nil, err
	})
}

func (s scene) prometheus() *queue.Prometheus {
	s.t.Helper()
	p, err := queue.New(s.Cluster.PrometheusURL())
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// started is how long a pod with a model takes until it is Ready, and the node that it is on.
func (s scene) started(model, name string) (node string, took time.Duration) {
	s.t.Helper()
	begun := time.Now()
	s.serverOf(model, name, 1, "")
	pod := s.AwaitReady(name, 1)[0]
	return pod.Spec.NodeName, time.Since(begun)
}
