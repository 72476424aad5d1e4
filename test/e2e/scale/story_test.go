// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// One annotation: a ScalePolicy, a ScaledObject, an HPA; and replicas for the requests that run and wait, not for those that wait alone.
func TestDeployment_IsScaledOnWhatIsInFlight(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.server("llama", 1, ", hoist.dev/scale: 'true', hoist.dev/max-replicas: '3'")
	p := s.policy("llama", "Ready", ready)
	if p.Status.Server != "vLLM" || p.Status.InFlightPerReplica != 22 || p.Status.MinReplicas != 1 || p.Status.MaxReplicas != 3 {
		t.Errorf("it settled on %+v", p.Status)
	}
	if _, err := s.Kubectl(t.Context(), "annotate", "deployment", "llama", "hoist.dev/in-flight-per-replica=2"); err != nil {
		t.Fatal(err)
	}
	s.policy("llama", "told of two in flight", func(p *v1alpha1.ScalePolicy) bool { return p.Status.InFlightPerReplica == 2 && ready(p) })
	pod := &s.AwaitReady("llama", 1)[0]
	s.ask(pod, 2) // the server is full, and its queue is empty
	s.ask(pod, 2)
	s.awaitWants("llama", 2)
	s.ask(pod, 8)
	s.awaitWants("llama", 3) // the most there may be
	s.AwaitReady("llama", 3)
	cold := s.policy("llama", "told of cold starts", func(p *v1alpha1.ScalePolicy) bool {
		return p.Status.ColdStart != nil && len(p.Status.ColdStart.Recent) == 3
	})
	if c := cold.Status.ColdStart; c.P90Seconds < c.P50Seconds || c.Recent[0].Total() == 0 && c.Recent[1].Total() == 0 && c.Recent[2].Total() == 0 {
		t.Errorf("starts took %+v", c)
	}
	if first := cold.Status.ColdStart.Recent[0]; first.Weights != v1alpha1.ColdState || first.Images != v1alpha1.WarmState || first.Accelerator != accelerator {
		t.Errorf("on a node without its weights, and with its image, the first met %+v", first)
	}
	if _, err := s.Kubectl(t.Context(), "annotate", "deployment", "llama", "hoist.dev/scale-"); err != nil {
		t.Fatal(err)
	}
	s.gone("llama")
	if wants, err := s.wants(t.Context(), "llama"); err != nil || wants != 3 {
		t.Errorf("without its policy %d replicas are wanted, %v", wants, err)
	}
}

// gone waits until neither the policy nor its ScaledObject is there.
func (s scene) gone(name string) {
	s.t.Helper()
	s.Await("the policy and its ScaledObject to be gone", func(ctx context.Context) (bool, error) {
		err := s.Hoist.Get(ctx, client.ObjectKey{Namespace: s.Name, Name: name}, &v1alpha1.ScalePolicy{})
		other := s.Hoist.Get(ctx, client.ObjectKey{Namespace: s.Name, Name: name}, scaledObject())
		return apierrors.IsNotFound(err) && apierrors.IsNotFound(other), client.IgnoreNotFound(errors.Join(err, other))
	})
}

const front = `
apiVersion: v1
kind: Pod
metadata:
  name: front
  namespace: NAMESPACE
  labels: {app: front}
  annotations: {prometheus.io/scrape: "true", prometheus.io/port: "8080"}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: front
      image: IMAGE
      args: [serve, ":8080"]
      readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
`

// It sleeps, what waits in front of it wakes it, it is not put to sleep while it works, and it sleeps again.
func TestPolicy_WakesFromZeroAndSleepsAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.Apply(front)
	gauge := s.AwaitReady("front", 1)[0]
	set := func(value string) {
		t.Helper()
		response, err := http.Post("http://"+gauge.Status.PodIP+":8080/gauge", "text/plain", strings.NewReader(value))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	s.server("llama", 0, "")
	s.Apply(`
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: asleep, namespace: NAMESPACE}
spec:
  target: {name: llama}
  minReplicas: 0
  maxReplicas: 2
  cooldownSeconds: 1
  wake: {query: 'max(testpod_gauge{namespace="NAMESPACE"})'}
`)
	p := s.policy("asleep", "Ready", ready)
	if p.Status.MinReplicas != 0 {
		t.Errorf("it settled on %+v", p.Status)
	}
	set("1")
	s.awaitWants("llama", 1)
	stop := s.ask(&s.AwaitReady("llama", 1)[0], 1)
	s.inFlight("asleep", 1)
	set("0")
	s.inFlight("asleep", 1)
	if wants, err := s.wants(t.Context(), "llama"); err != nil || wants != 1 {
		t.Errorf("while it works, %d replicas are wanted, %v", wants, err)
	}
	stop()
	s.awaitWants("llama", 0)
}

// inFlight waits until KEDA has seen so many requests, twice.
func (s scene) inFlight(policy string, requests int) {
	s.t.Helper()
	for range 2 {
		s.Await(fmt.Sprintf("%d in flight", requests), func(ctx context.Context) (bool, error) {
			out, err := s.Kubectl(ctx, "get", "--raw", "/apis/external.metrics.k8s.io/v1beta1/namespaces/"+s.Name+"/s0-prometheus?labelSelector=scaledobject.keda.sh%2Fname%3D"+policy)
			return strings.Contains(out, fmt.Sprintf(`"value":"%d"`, requests)), err
		})
	}
}

// Hoist's own fields are mended when somebody changes them, those of others stay, and a ScaledObject that is not its own it leaves alone.
func TestPolicy_OwnsItsFieldsAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.server("llama", 1, "")
	s.Apply(`
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: other, namespace: NAMESPACE}
spec: {scaleTargetRef: {name: elsewhere}, triggers: [{type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 9 * * *, desiredReplicas: "1"}}]}
---
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: other, namespace: NAMESPACE}
spec: {target: {name: llama}}
---
apiVersion: hoist.dev/v1alpha1
kind: ScalePolicy
metadata: {name: mended, namespace: NAMESPACE}
spec: {target: {name: llama}, maxReplicas: 3, minReplicas: 0}
`)
	s.policy("other", "refused", func(p *v1alpha1.ScalePolicy) bool {
		return len(p.Status.Conditions) > 0 && p.Status.Conditions[0].Reason == v1alpha1.NotOursReason
	})
	p := s.policy("mended", "Ready", ready)
	if !holds(p, v1alpha1.CannotWakeCondition, v1alpha1.NoWakeSourceReason) || p.Status.MinReplicas != 1 {
		t.Errorf("nothing would wake it: %+v", p.Status)
	}
	if _, err := s.Kubectl(t.Context(), "patch", "scaledobject", "mended", "--type=merge", "--patch", `{"metadata":{"annotations":{"mine":"stays"}},"spec":{"maxReplicaCount":50}}`); err != nil {
		t.Fatal(err)
	}
	s.Await("the ScaledObject to be mended", func(ctx context.Context) (bool, error) {
		o := scaledObject()
		if err := s.Hoist.Get(ctx, client.ObjectKey{Namespace: s.Name, Name: "mended"}, o); err != nil {
			return false, err
		}
		most, _, err := unstructured.NestedInt64(o.Object, "spec", "maxReplicaCount")
		if err != nil || most != 3 || o.GetAnnotations()["mine"] != "stays" {
			return false, fmt.Errorf("at most %d replicas, annotations %v", most, o.GetAnnotations())
		}
		return true, nil
	})
}
