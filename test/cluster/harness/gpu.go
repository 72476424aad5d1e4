// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/hoist-dev/hoist/test/cluster/deviceplugin"
	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
	"github.com/hoist-dev/hoist/test/cluster/machine"
)

// GPU is what each node shall seem to have.
type GPU struct {
	Count       int    `json:"count"`
	Name        string `json:"name"`
	MemoryBytes int64  `json:"memoryBytes"` // of each
}

// Paths of the simulated GPUs, on a node and in the containers that asked for one.
const (
	gpuFolder = "/run/hoist-fake-gpu"
	// GPUSocket is where processes take memory of a device.
	GPUSocket = gpuFolder + "/driver.sock"
	// GPULibrary is the folder of libnvidia-ml.so.1.
	GPULibrary = "/usr/local/nvidia/lib64"
	// NodeGPULibrary is the same on the node.
	NodeGPULibrary = "/var/lib/hoist-fake-gpu"
)

// labels are those of NVIDIA's GPU feature discovery that schedulers look at.
func (g GPU) labels() []string {
	if g.Count == 0 {
		return nil
	}
	return []string{
		"nvidia.com/gpu.present=true",
		"nvidia.com/gpu.count=" + strconv.Itoa(g.Count),
		"nvidia.com/gpu.memory=" + strconv.FormatInt(g.MemoryBytes>>20, 10),
		"nvidia.com/gpu.product=" + strings.ReplaceAll(g.Name, " ", "-"),
		"nvidia.com/gpu.replicas=1",
		"nvidia.com/gpu.sharing-strategy=none",
		"nvidia.com/mig.capable=false",
	}
}

// gpuService is the node's GPU driver and device plugin.
func (c *Cluster) gpuService(node Node) machine.Service {
	name := c.state.Name + "/" + node.Name
	return machine.Service{
		Name: "gpu",
		Argv: []string{c.state.Self, gpuCommand, name, strconv.Itoa(node.GPU.Count), strconv.FormatInt(node.GPU.MemoryBytes, 10), node.GPU.Name},
		Env:  environment(),
	}
}

// makeGPULibrary compiles the library into the folder that becomes the node's /var.
func (c *Cluster) makeGPULibrary(ctx context.Context, i int) error {
	folder := filepath.Join(c.nodeDir(i), varFolder, strings.TrimPrefix(NodeGPULibrary, "/var/"))
	if _, err := fakegpu.BuildLibrary(ctx, folder); err != nil {
		return fmt.Errorf("compile the NVML library: %w", err)
	}
	return nil
}

// serveGPU is what gpuService runs. It sees processes by the numbers that the node gives them, as an agent on the node does.
func serveGPU(ctx context.Context, arguments []string) error {
	count, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	bytes, err := strconv.ParseInt(arguments[2], 10, 64)
	if err != nil {
		return err
	}
	devices := fakegpu.Devices(arguments[0], count, arguments[3], bytes)
	if err := os.MkdirAll(gpuFolder, 0o755); err != nil {
		return err
	}
	driver, err := fakegpu.NewDriver(fakegpu.DefaultState, devices)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(GPUSocket); err != nil { // of one that was killed
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", GPUSocket)
	if err != nil {
		return err
	}
	if err := os.Chmod(GPUSocket, 0o666); err != nil { // as /dev/nvidia0, for whoever was given the mount
		return err
	}
	config := deviceplugin.Config{Mounts: map[string]string{gpuFolder: gpuFolder, GPULibrary: NodeGPULibrary}}
	for _, device := range devices {
		config.UUIDs = append(config.UUIDs, device.UUID)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return driver.Serve(ctx, listener) })
	group.Go(func() error { return deviceplugin.Run(ctx, config) })
	return group.Wait()
}
