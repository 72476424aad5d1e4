// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// scene is a namespace with the Model llama.
type scene struct {
	suite.Namespace
	Hoist  client.Client
	origin *suite.Origin
	t      *testing.T
}

func newScene(t *testing.T) scene {
	t.Helper()
	ns := suite.NewNamespace(t, nil)
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	hoist, err := client.New(ns.Cluster.REST(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	origin := suite.NewOrigin(t, ns.Cluster, ns.Name)
	origin.PutModel(t, "llama/", synth.Options{Size: 8 << 20, Shard: 8 << 20, Seed: 81})
	s := scene{Namespace: ns, Hoist: hoist, origin: origin, t: t}
	s.Apply(strings.NewReplacer("first", origin.S3.AccessKey, "second", origin.S3.SecretKey).Replace(`
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: NAMESPACE}
stringData: {AWS_ACCESS_KEY_ID: first, AWS_SECRET_ACCESS_KEY: second}
`))
	s.Apply(llama(origin))
	return s
}

// llama is the Model of that name.
func llama(origin *suite.Origin) string {
	return strings.NewReplacer("BUCKET", origin.Bucket, "ENDPOINT", origin.Endpoint).Replace(`
apiVersion: hoist.dev/v1alpha1
kind: Model
metadata: {name: llama, namespace: NAMESPACE}
spec: {source: "s3://BUCKET/llama/", s3: {endpoint: "ENDPOINT", region: us-east-1}, credentials: {secretName: keys}}
`)
}

// server is a Deployment of the simulated vLLM with the Model llama, of which each replica works on two requests at a time, for a minute each.
func (s scene) server(name string, replicas int, annotations string) {
	s.t.Helper()
	s.serverOf("llama", name, replicas, annotations)
}

// serverOf is one with another Model.
func (s scene) serverOf(model, name string, replicas int, annotations string) {
	s.t.Helper()
	s.Apply(strings.NewReplacer("WEIGHTS", model, "SERVER", name, "SIMSERVER", harness.Reference("simserver"), "REPLICAS", fmt.Sprint(replicas), "ANNOTATIONS", annotations,
		"SCRAPE", harness.ScrapeAnnotation, "PORT", harness.PortAnnotation).Replace(`
apiVersion: apps/v1
kind: Deployment
metadata:
  name: SERVER
  namespace: NAMESPACE
  annotations: {hoist.dev/model: WEIGHTS, hoist.dev/server: vLLM, hoist.dev/readiness: HTTPANNOTATIONS}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: SERVER}}
  template:
    metadata: {labels: {app: SERVER}, annotations: {SCRAPE: "true", PORT: "8000"}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: server
          image: SIMSERVER
          args: [--model=$(HOIST_MODEL_PATH), --served-model-name=tiny, --concurrency=2, --service-time=60s]
`))
}

// ask sends so many requests to one pod, which end when the test does, or when stop is called.
func (s scene) ask(pod *corev1.Pod, requests int) (stop func()) {
	s.t.Helper()
	to := "http://" + pod.Status.PodIP + ":8000/v1/completions"
	ctx, cancel := context.WithCancel(s.t.Context())
	for range requests {
		go func() {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(`{"model":"tiny","prompt":"hi"}`))
			if err != nil {
				return
			}
			request.Header.Set("Content-Type", "application/json")
			if response, err := http.DefaultClient.Do(request); err == nil {
				_ = response.Body.Close()
			}
		}()
	}
	return cancel
}

// policy waits until one is as it should be.
func (s scene) policy(name, what string, is func(*v1alpha1.ScalePolicy) bool) *v1alpha1.ScalePolicy {
	s.t.Helper()
	p := &v1alpha1.ScalePolicy{}
	s.Await("the ScalePolicy "+name+" to be "+what, func(ctx context.Context) (bool, error) {
		if err := s.Hoist.Get(ctx, client.ObjectKey{Namespace: s.Name, Name: name}, p); err != nil {
			return false, err
		}
		if !is(p) {
			status, err := json.Marshal(p.Status)
			return false, cmp.Or(err, fmt.Errorf("its status is %s", status))
		}
		return true, nil
	})
	return p
}

func ready(p *v1alpha1.ScalePolicy) bool {
	return holds(p, v1alpha1.ReadyCondition, v1alpha1.ScalingReason)
}

// holds reports whether a condition is True, with this reason.
func holds(p *v1alpha1.ScalePolicy, kind, reason string) bool {
	c := meta.FindStatusCondition(p.Status.Conditions, kind)
	return c != nil && c.Status == metav1.ConditionTrue && c.Reason == reason
}

func scaledObject() *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion("keda.sh/v1alpha1")
	o.SetKind("ScaledObject")
	return o
}

// wants is how many replicas a Deployment is asked for.
func (s scene) wants(ctx context.Context, name string) (int32, error) {
	d, err := s.Client.AppsV1().Deployments(s.Name).Get(ctx, name, metav1.GetOptions{})
	if err != nil || d.Spec.Replicas == nil {
		return 0, err
	}
	return *d.Spec.Replicas, nil
}

func (s scene) awaitWants(name string, replicas int32) {
	s.t.Helper()
	s.Await(fmt.Sprintf("%d replicas of %s to be wanted", replicas, name), func(ctx context.Context) (bool, error) {
		wants, err := s.wants(ctx, name)
		if err != nil || wants != replicas {
			return false, fmt.Errorf("%d are, %w", wants, err)
		}
		return true, nil
	})
}
