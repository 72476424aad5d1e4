// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package harness_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/cluster/machine"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// A pod gets the GPU it asks for and takes memory of it. Whoever reads NVML on the node sees how much, and by the number of the
// process whose pod it is. When the pod goes, so does what it took.
func TestGPU_MemoryIsTheProcessesOfThePod(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	ns.Apply(`
apiVersion: v1
kind: Pod
metadata: {name: trainer, namespace: NAMESPACE, labels: {app: trainer}}
spec:
  nodeName: node2
  terminationGracePeriodSeconds: 1
  containers:
    - name: trainer
      image: IMAGE
      args: [gpu, ` + harness.GPUSocket + `, "1024"]
      resources: {limits: {nvidia.com/gpu: 1}}
`)
	pod := ns.AwaitReady("trainer", 1)[0]
	node, err := ns.Cluster.Node("node2")
	if err != nil {
		t.Fatal(err)
	}
	var process fakegpu.Process
	ns.Await("the memory to be taken", func(context.Context) (bool, error) {
		holders, err := holders(node.Machine)
		if len(holders) != 1 {
			return false, fmt.Errorf("%d processes hold memory: %w", len(holders), err)
		}
		process = holders[0]
		return true, nil
	})
	if process.UsedBytes != 1<<30 {
		t.Errorf("%d bytes are taken, want 1 GiB", process.UsedBytes)
	}
	cgroup, err := os.ReadFile(node.Machine.Path(fmt.Sprintf("/proc/%d/cgroup", process.PID)))
	if err != nil || !strings.Contains(string(cgroup), "pod"+string(pod.UID)) {
		t.Errorf("process %d is in %q, %v, want the pod %s", process.PID, cgroup, err, pod.UID)
	}

	if err := ns.Cluster.KillContainer(t.Context(), "node2", pod.Status.ContainerStatuses[0].ContainerID); err != nil {
		t.Fatal(err)
	}
	ns.Await("another process to hold the memory", func(context.Context) (bool, error) {
		holders, err := holders(node.Machine)
		return len(holders) == 1 && holders[0].PID != process.PID, err
	})
}

// holders are the processes that the node's NVML shows.
func holders(node machine.Machine) ([]fakegpu.Process, error) {
	text, err := os.ReadFile(node.Path(fakegpu.DefaultState))
	if err != nil {
		return nil, err
	}
	state, err := fakegpu.Parse(text)
	if err != nil {
		return nil, err
	}
	var all []fakegpu.Process
	for _, device := range state.Devices {
		all = append(all, device.Processes...)
	}
	return all, nil
}
