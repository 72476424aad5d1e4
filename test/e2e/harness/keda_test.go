// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package harness_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/test/e2e/suite"
)

const scaled = `
apiVersion: v1
kind: Pod
metadata:
  name: gauge
  namespace: NAMESPACE
  labels: {app: gauge}
  annotations: {prometheus.io/scrape: "true", prometheus.io/port: "8080"}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: gauge
      image: IMAGE
      args: [serve, ":8080"]
      readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker, namespace: NAMESPACE}
spec:
  replicas: 0
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: worker, image: IMAGE, args: [pause]}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker, namespace: NAMESPACE}
spec:
  scaleTargetRef: {name: worker}
  pollingInterval: 1
  cooldownPeriod: 3
  minReplicaCount: 0
  maxReplicaCount: 6
  triggers:
    - type: prometheus
      metadata:
        serverAddress: PROMETHEUS
        query: max(testpod_gauge{namespace="NAMESPACE"})
        threshold: "10"
        activationThreshold: "0"
`

// From a number that a pod shows, by way of Prometheus, KEDA and the HPA, to pods that are Ready, and back to none.
func TestKEDA_ScalesFromZeroToFiveAndBack(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	ns.Apply(strings.ReplaceAll(scaled, "PROMETHEUS", ns.Cluster.PrometheusURL()))
	gauge := ns.AwaitReady("gauge", 1)[0]
	for _, step := range []struct {
		demand string
		pods   int
	}{{"45", 5}, {"0", 0}} {
		response, err := http.Post("http://"+gauge.Status.PodIP+":8080/gauge", "text/plain", strings.NewReader(step.demand))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		ns.AwaitReady("worker", step.pods)
	}
}
