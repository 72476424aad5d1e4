// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/test/cluster/network"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

func TestNodeConfig_IsGolden(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &Cluster{
		dir:   dir,
		tools: toolchain.Tools{CNI: "/tools/cni", Shim: "/tools/containerd-shim-runc-v2", Runc: "/tools/runc"},
		state: state{Name: "golden", Network: network.Plan{Slot: 3}},
	}
	if err := c.writeNodeConfig(1); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"containerd.toml", "kubelet.yaml", "cni/10-pods.conflist"} {
		got, err := os.ReadFile(filepath.Join(c.nodeConfig(1), file))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer(dir, "/clusters/golden", shortHash(dir), "HASH").Replace(string(got))
		compare(t, filepath.Base(file), text)
	}
}

func TestAddonConfig_IsGolden(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]map[string]string{
		"prometheus.yaml": {"Targets": "http://198.18.48.2:9091"},
		"keda.yaml":       {"Host": "198.18.48.2", "Port": "6444"},
	} {
		path := filepath.Join(t.TempDir(), "new", name)
		if err := writeConfig(name, path, values); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, name, string(got))

		lacking := filepath.Join(t.TempDir(), name)
		if err := writeConfig(name, lacking, map[string]string{}); err == nil {
			t.Errorf("%s was written without its values", name)
		}
		if _, err := os.Stat(lacking); err == nil {
			t.Errorf("%s is there, half filled in", name)
		}
	}
}

// compare checks that a file is well-formed, and as it was when somebody last looked at it.
func compare(t *testing.T, name, got string) {
	t.Helper()
	switch filepath.Ext(name) {
	case ".conflist":
		if !json.Valid([]byte(got)) {
			t.Errorf("%s is no JSON:\n%s", name, got)
		}
	case ".yaml":
		for document := range strings.SplitSeq(got, "\n---\n") {
			if err := yaml.UnmarshalStrict([]byte(document), &map[string]any{}); err != nil {
				t.Errorf("%s: %v:\n%s", name, err, document)
			}
		}
	}
	golden := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s; go test -update writes what it is now (-want +got):\n%s", name, diff)
	}
}
