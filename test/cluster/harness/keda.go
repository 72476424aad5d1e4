// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// The hub has a network of its own, so these ports are free.
const (
	kedaAdapterPort = 6444
	kedaGRPC        = "127.0.0.1:9666"
)

// startKEDA runs KEDA's operator and metrics adapter as processes of the hub, and returns when the API that the HPA asks for
// external metrics is there.
func (c *Cluster) startKEDA(ctx context.Context) error {
	if len(c.state.Nodes) == 0 {
		return errors.New("KEDA needs a cluster with nodes: the API server finds its adapter by an endpoint, and those may not be on loopback")
	}
	if err := c.applyCRDs(ctx, c.tools.KEDACRDs); err != nil {
		return err
	}
	if err := c.applyTemplate(ctx, "keda.yaml", map[string]string{"Host": c.host(), "Port": strconv.Itoa(kedaAdapterPort)}); err != nil {
		return err
	}
	certificates, err := c.kedaCertificates()
	if err != nil {
		return err
	}
	env := []string{"POD_NAMESPACE=keda", "KEDA_CLUSTER_OBJECT_NAMESPACE=keda", "WATCH_NAMESPACE=", "KUBECONFIG=" + c.Kubeconfig()}
	operator := addon("keda-operator", c.tools.KEDAOperator, env,
		"--kubeconfig="+c.Kubeconfig(),
		"--cert-dir="+certificates,
		"--metrics-bind-address=127.0.0.1:18080",
		"--health-probe-bind-address=127.0.0.1:18081",
		"--metrics-service-bind-address="+kedaGRPC,
		"--enable-webhook-patching=false",
		"--enable-apiservice-patching=false")
	adapter := addon("keda-adapter", c.tools.KEDAAdapter, env,
		"--kubeconfig="+c.Kubeconfig(),
		"--lister-kubeconfig="+c.Kubeconfig(),
		"--authentication-kubeconfig="+c.Kubeconfig(),
		"--authorization-kubeconfig="+c.Kubeconfig(),
		"--bind-address="+c.host(),
		"--secure-port="+strconv.Itoa(kedaAdapterPort),
		"--port=18082",
		"--cert-dir="+certificates,
		"--tls-cert-file="+filepath.Join(certificates, "tls.crt"),
		"--tls-private-key-file="+filepath.Join(certificates, "tls.key"),
		"--client-ca-file="+filepath.Join(certificates, "ca.crt"),
		"--metrics-service-address="+kedaGRPC)
	if err := c.state.Hub.Start(ctx, operator); err != nil {
		return err
	}
	client, err := c.Client()
	if err != nil {
		return err
	}
	return run(ctx, c.state.Hub, adapter, func(context.Context) error {
		_, err := client.Discovery().ServerResourcesForGroupVersion("external.metrics.k8s.io/v1beta1")
		return err
	})
}

// kedaCertificates makes a folder with the names that both parts of KEDA want.
func (c *Cluster) kedaCertificates() (string, error) {
	folder := c.pki("keda")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	for from, to := range map[string]string{"ca.crt": "ca.crt", "addon.crt": "tls.crt", "addon.key": "tls.key"} {
		content, err := os.ReadFile(c.pki(from))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(folder, to), content, 0o600); err != nil {
			return "", err
		}
	}
	return folder, nil
}
