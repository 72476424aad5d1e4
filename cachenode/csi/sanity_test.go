// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDriver_PassesTheSanitySuiteOfKubernetesCSI runs csi-sanity (github.com/kubernetes-csi/csi-test) against the sockets that the
// kubelet uses. Left out is what it asks of controllers, which this driver has none of, and the one test that publishes a persistent
// volume, which this driver refuses.
func TestDriver_PassesTheSanitySuiteOfKubernetesCSI(t *testing.T) {
	t.Parallel()
	sanity, err := filepath.Abs("../../bin/tools/csi-sanity")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(sanity); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("csi-sanity is not built: make test builds it")
	}
	s := serveKubelet(t)
	folder := t.TempDir()
	out, err := exec.CommandContext(t.Context(), sanity, "--csi.endpoint=unix://"+s.o.Socket, "--ginkgo.no-color", "--ginkgo.skip=Controller S|should remove target path",
		"--csi.mountdir="+filepath.Join(folder, "mount"), "--csi.stagingdir="+filepath.Join(folder, "staging")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "SUCCESS!") {
		t.Errorf("csi-sanity says\n%s", out)
	}
}
