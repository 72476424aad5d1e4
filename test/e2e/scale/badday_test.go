// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// Prometheus is killed while requests are in flight, and they end meanwhile: nobody knows, and all replicas stay. The policy says so, and
// nothing is left of it once Prometheus is back.
func TestPolicy_HoldsReplicasWhilePrometheusIsDead(t *testing.T) { //nolint:paralleltest // the others need Prometheus
	s := newScene(t)
	s.server("llama", 1, ", hoist.dev/scale: 'true', hoist.dev/max-replicas: '3', hoist.dev/in-flight-per-replica: '2'")
	s.policy("llama", "Ready", ready)
	stop := s.ask(&s.AwaitReady("llama", 1)[0], 8)
	s.awaitWants("llama", 3)
	s.AwaitReady("llama", 3)
	if err := s.Cluster.StopPrometheus(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.prometheusLives() != nil {
			_ = s.Cluster.StartPrometheus(context.WithoutCancel(t.Context()))
		}
	})
	stop()
	blind := func(p *v1alpha1.ScalePolicy) bool {
		return holds(p, v1alpha1.DemandUnknownCondition, v1alpha1.FallbackReason)
	}
	s.policy("llama", "told that the demand is not known", blind)
	if wants, err := s.wants(t.Context(), "llama"); err != nil || wants != 3 {
		t.Errorf("blind, %d replicas are wanted, %v", wants, err)
	}
	s.AwaitReady("llama", 3)
	if err := s.Cluster.StartPrometheus(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.policy("llama", "told of a demand again", func(p *v1alpha1.ScalePolicy) bool { return ready(p) && !blind(p) })
}

func (s scene) prometheusLives() error {
	_, err := s.prometheus().Now(context.WithoutCancel(s.t.Context()), "vector(1)", time.Now())
	return err
}

// The controller dies, and its forecast with it: KEDA goes by the demand alone, and neither wakes nor keeps anything for it.
func TestForecast_ThatNobodyRenewsCountsForNothing(t *testing.T) { //nolint:paralleltest // the others need the controller
	s := newScene(t)
	now := time.Now().Truncate(time.Minute)
	s.remember(now, daily(now.Add(-time.Hour)))
	s.server("llama", 1, "")
	s.Apply(`
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: ahead, namespace: NAMESPACE}
spec:
  target: {name: llama}
  maxReplicas: 2
  stabilizationSeconds: 0
  forecast: {nodes: 0, replicas: true, query: 'max(remembered{namespace="NAMESPACE"})'}
`)
	s.policy("ahead", "forecast", func(p *v1alpha1.ScalePolicy) bool {
		return p.Status.Forecast != nil && p.Status.Forecast.Replicas == 2
	})
	s.awaitWants("llama", 2)
	scale := func(replicas string) error {
		_, err := s.Cluster.Kubectl(context.WithoutCancel(t.Context()), "scale", "deployment/hoist-controller", "--namespace="+suite.System, "--replicas="+replicas)
		return err
	}
	if err := scale("0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := scale("1"); err != nil {
			t.Error(err)
		}
		if _, err := s.Cluster.Kubectl(ctx, "rollout", "status", "deployment/hoist-controller", "--namespace="+suite.System, "--timeout=60s"); err != nil {
			t.Error(err)
		}
	})
	s.awaitWants("llama", 1)
	o := scaledObject()
	if err := s.Hoist.Get(t.Context(), client.ObjectKey{Namespace: s.Name, Name: "ahead"}, o); err != nil {
		t.Fatal(err)
	}
	if out, err := s.Kubectl(t.Context(), "get", "scaledobject", "ahead", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Fallback")].status}`); err != nil || out != "True False" {
		t.Errorf("KEDA says Ready and Fallback are %q, %v", out, err)
	}
}

// A quota admits fewer replicas than there may be: the maximum is lowered, the policy says by what, and KEDA was told.
func TestPolicy_ShowsWhatAQuotaLeaves(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.Apply(`
apiVersion: v1
kind: ResourceQuota
metadata: {name: gpus, namespace: NAMESPACE}
spec: {hard: {requests.nvidia.com/gpu: "5"}}
`)
	s.server("llama", 0, ", hoist.dev/scale: 'true', hoist.dev/max-replicas: '8'")
	if _, err := s.Kubectl(t.Context(), "patch", "deployment", "llama", "--type=json", "--patch",
		`[{"op":"add","path":"/spec/template/spec/containers/0/resources","value":{"limits":{"nvidia.com/gpu":"2"}}}]`); err != nil {
		t.Fatal(err)
	}
	p := s.policy("llama", "capped", func(p *v1alpha1.ScalePolicy) bool {
		return holds(p, v1alpha1.QuotaTooSmallCondition, v1alpha1.QuotaReason) && p.Status.MaxReplicas == 2
	})
	said := ""
	for _, c := range p.Status.Conditions {
		if c.Type == v1alpha1.QuotaTooSmallCondition {
			said = c.Message
		}
	}
	if !strings.Contains(said, "gpus") || !strings.Contains(said, "2 replicas of the 8") {
		t.Errorf("it says %q", said)
	}
	s.Await("KEDA to be told", func(ctx context.Context) (bool, error) {
		out, err := s.Kubectl(ctx, "get", "scaledobject", "llama", "-o", "jsonpath={.spec.maxReplicaCount}")
		if err == nil && out != "2" {
			err = fmt.Errorf("at most %s", out)
		}
		return err == nil, err
	})
}

// A floor is there one slow cold start before it begins, and no earlier, in a zone that the controller's image has to know.
func TestFloor_BeginsOneColdStartEarly(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	tokyo := time.FixedZone("Asia/Tokyo", 9*60*60) // all year
	minute := time.Now().In(tokyo).Truncate(time.Minute)
	soon := minute.Add(3 * time.Minute) // which is what a cold start is taken to last until some were seen
	for name, begins := range map[string]time.Time{"soon": soon, "later": minute.Add(20 * time.Minute)} {
		s.server(name, 1, "")
		s.Apply(strings.NewReplacer("POLICY", name, "START", cron(begins), "END", cron(begins.Add(5*time.Hour))).Replace(`
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: POLICY, namespace: NAMESPACE}
spec:
  target: {name: POLICY}
  maxReplicas: 3
  floors: [{name: business, start: START, end: END, timeZone: Asia/Tokyo, replicas: 2}]
`))
	}
	s.awaitWants("soon", 2)
	if early := time.Until(soon); early <= 0 {
		t.Errorf("replicas are wanted %v after the floor has begun", -early)
	}
	s.policy("later", "Ready", ready)
	if wants, err := s.wants(t.Context(), "later"); err != nil || wants != 1 {
		t.Errorf("20 minutes before its floor %d replicas are wanted, %v", wants, err)
	}
}

func cron(at time.Time) string { return fmt.Sprintf("%d %d * * *", at.Minute(), at.Hour()) }
