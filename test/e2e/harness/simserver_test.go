// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package harness_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// The simulated inference server loads a model from a node's disk into two simulated GPUs, is Ready then and not before, and answers
// as vLLM does.
func TestSimserver_LoadsAModelIntoVRAMAndAnswers(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	if err := ns.Cluster.LoadImage(t.Context(), "simserver"); err != nil {
		t.Fatal(err)
	}
	node, err := ns.Cluster.Node("node1")
	if err != nil {
		t.Fatal(err)
	}
	files, err := synth.Plan(synth.Options{Size: 64 << 20, Shard: 32 << 20, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	const folder = "/var/lib/hoist/simserver-model"
	if err := os.Mkdir(node.Machine.Path(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		write(t, filepath.Join(node.Machine.Path(folder), file.Path), file)
	}
	ns.Apply(strings.NewReplacer("SIMSERVER", harness.Reference("simserver"), "SOCKET", harness.GPUSocket, "FOLDER", folder).Replace(`
apiVersion: v1
kind: Pod
metadata: {name: vllm, namespace: NAMESPACE, labels: {app: vllm}}
spec:
  nodeName: node1
  containers:
    - name: vllm
      image: SIMSERVER
      args: [--model=/models, --served-model-name=tiny, --gpu-socket=SOCKET, --tensor-parallel=2, --vram-gbps=0.1, --kv-cache-bytes=1048576, --service-time=1ms]
      resources: {limits: {nvidia.com/gpu: 2}}
      readinessProbe: {httpGet: {path: /health, port: 8000}, periodSeconds: 1}
      volumeMounts: [{name: model, mountPath: /models, readOnly: true}]
  volumes: [{name: model, hostPath: {path: FOLDER}}]
`))
	pod := ns.AwaitReady("vllm", 1)[0]
	took, err := holders(node.Machine)
	if err != nil || len(took) != 2 {
		t.Fatalf("the GPUs are held by %v, %v; want one process on both", took, err)
	}
	for _, process := range took {
		if weights := process.UsedBytes - 1<<20; weights < 30<<20 || weights > 34<<20 {
			t.Errorf("a GPU holds %d bytes of weights, want half of 64 MiB", weights)
		}
	}
	proxy := ns.Client.CoreV1().RESTClient().Post().Namespace(ns.Name).Resource("pods").Name(pod.Name + ":8000").SubResource("proxy")
	answer, err := proxy.Suffix("v1/completions").Body([]byte(`{"model":"tiny","prompt":"hi"}`)).DoRaw(t.Context())
	if err != nil || !strings.Contains(string(answer), "simulated answer") {
		t.Errorf("it answered %s, %v", answer, err)
	}
	metrics, err := ns.Client.CoreV1().RESTClient().Get().Namespace(ns.Name).Resource("pods").Name(pod.Name + ":8000").SubResource("proxy").Suffix("metrics").DoRaw(t.Context())
	if err != nil || !strings.Contains(string(metrics), `vllm:request_success_total{engine="0",model_name="tiny",finished_reason="stop"} 1`) {
		t.Errorf("its metrics are %s, %v", metrics, err)
	}
}

func write(t *testing.T, path string, file synth.File) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteTo(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
