// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

// Package sources_test proves on a cluster what the conformance suite of sources can't: that agents and controller, as the chart
// installs them, reach a model that does not lie in a bucket, and that pods read it as the Hub's cache.
package sources_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // of the client for our kinds
	code := suite.Main(m, "sources", harness.Options{Nodes: 2, DiskBytes: 2 << 30, S3: true}, makeClaim,
		suite.WithHoist("agent.cache.maxBytes=512Mi", "controller.replicas=1", "volumes[0].claim=weights", "volumes[0].namespaces={*}"))
	if err := os.RemoveAll(share); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// share is a folder of this computer that every node sees, as it would an NFS share. The claim weights of Hoist's namespace is it.
var share string

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	path = filepath.Join(share, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func makeClaim(ctx context.Context, c *harness.Cluster) (err error) {
	if share, err = os.MkdirTemp("", "hoist-claim-"); err != nil {
		return err
	}
	if err := os.Chmod(share, 0o755); err != nil { // the controller is another user
		return err
	}
	return c.Apply(ctx, strings.NewReplacer("SYSTEM", suite.System, "SHARE", share).Replace(`
apiVersion: v1
kind: Namespace
metadata: {name: SYSTEM}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: weights}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadOnlyMany]
  storageClassName: ""
  hostPath: {path: SHARE, type: Directory}
  claimRef: {namespace: SYSTEM, name: weights}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: weights, namespace: SYSTEM}
spec: {accessModes: [ReadOnlyMany], storageClassName: "", volumeName: weights, resources: {requests: {storage: 1Gi}}}
`))
}
