// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package render renders the chart as helm template does, for tests, and for deploy/install.yaml.
package render

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Namespace is where Hoist is installed.
const Namespace = "hoist-system"

// system is that namespace: the agent mounts into pods, which Pod Security allows to the privileged alone.
const system = `apiVersion: v1
kind: Namespace
metadata:
  name: ` + Namespace + `
  labels:
    pod-security.kubernetes.io/enforce: privileged
`

// Chart renders the chart of the checkout at root, its CRDs and its namespace first. Each of set is a value, as helm's --set takes it.
func Chart(ctx context.Context, root string, set ...string) (string, error) {
	arguments := []string{"template", "hoist", filepath.Join(root, "deploy", "chart"), "--namespace", Namespace, "--include-crds", "--kube-version", "1.36.0"}
	for _, value := range set {
		arguments = append(arguments, "--set", value)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "bin", "tools", "helm"), arguments...) //nolint:gosec // our own helm
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("helm template: %w: %s (make helm builds it)", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return system + stdout.String(), nil
}
