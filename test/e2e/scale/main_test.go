// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package scale_test proves that replicas follow demand: ScalePolicies, by the real KEDA and Prometheus, of simulated servers.
package scale_test

import (
	"context"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // of the client for our kinds
	os.Exit(suite.Main(m, "scale", harness.Options{Nodes: 2, DiskBytes: 2 << 30, S3: true, KEDA: true, Prometheus: true,
		GPU: harness.GPU{Count: 1, Name: "Simulated GPU", MemoryBytes: 4 << 30}}, install))
}

// identity is what KEDA and the controller show to Prometheus. This one does not ask for it (scaler/queue has one that does), but KEDA has to take it.
const identity = `
apiVersion: v1
kind: Namespace
metadata: {name: ` + suite.System + `}
---
apiVersion: v1
kind: Secret
metadata: {name: prometheus, namespace: ` + suite.System + `}
stringData: {token: T0ken}
---
apiVersion: v1
kind: Secret
metadata: {name: prometheus, namespace: keda}
stringData: {token: T0ken}
---
apiVersion: keda.sh/v1alpha1
kind: ClusterTriggerAuthentication
metadata: {name: prometheus}
spec: {secretTargetRef: [{parameter: bearerToken, name: prometheus, key: token}]}
`

// accelerator is what the simulated GPU is called in the labels of nodes.
const accelerator = "Simulated-GPU"

// install installs Hoist with a controller that Prometheus scrapes.
func install(ctx context.Context, c *harness.Cluster) error {
	if err := c.LoadImage(ctx, "simserver"); err != nil {
		return err
	}
	if err := c.Apply(ctx, identity); err != nil {
		return err
	}
	const auth = "scaler.prometheusAuth."
	if err := suite.Install(ctx, c, "scaler.prometheusAddress="+c.PrometheusURL(), "controller.replicas=1", auth+"secretName=prometheus", auth+"headers.X-Scope-OrgID=team-a",
		auth+"triggerAuthentication.name=prometheus", auth+"triggerAuthentication.authModes=bearer",
		"scaler.capacity.placeholders.enabled=true", "scaler.capacity.placeholders.image="+harness.PauseImage); err != nil {
		return err
	}
	const scraped = `{"spec":{"template":{"metadata":{"annotations":{"` + harness.ScrapeAnnotation + `":"true","` + harness.PortAnnotation + `":"9471"}}}}}`
	if _, err := c.Kubectl(ctx, "patch", "deployment/hoist-controller", "--namespace="+suite.System, "--type=merge", "--patch", scraped); err != nil {
		return err
	}
	_, err := c.Kubectl(ctx, "rollout", "status", "deployment/hoist-controller", "--namespace="+suite.System, "--timeout=60s")
	return err
}
