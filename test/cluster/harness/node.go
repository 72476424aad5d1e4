// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hoist-dev/hoist/test/cluster/machine"
)

// Node is a machine that pods run on.
type Node struct {
	Name    string          `json:"name"`
	Machine machine.Machine `json:"machine"`
	GPU     GPU             `json:"gpu"`
}

func nodeName(i int) string { return fmt.Sprintf("node%d", i) }

func (c *Cluster) nodeDir(i int) string    { return filepath.Join(c.dir, nodeName(i+1)) }
func (c *Cluster) nodeConfig(i int) string { return filepath.Join(c.nodeDir(i), "config") }

// Files of a node, in its folder.
const (
	varFolder    = "var"        // its /var
	sysctlFolder = "sysctl"     // what it sees of the computer's kernel parameters
	diskFile     = "cache.ext4" // its disk for the cache
)

// cacheMount is where a node's disk for the cache is mounted.
const cacheMount = "/var/lib/hoist"

// globalSysctls are parameters of the whole computer that a kubelet sets, and refuses to start without. It is given files that
// hold what it wants to see, so that the computer's own stay as they are.
var globalSysctls = map[string]string{"vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1"}

// addNodes writes all nodes down and makes their files.
func (c *Cluster) addNodes(ctx context.Context, options Options) error {
	for i := range options.Nodes {
		c.state.Nodes = append(c.state.Nodes, Node{Name: nodeName(i + 1), GPU: options.GPU})
		c.state.Cgroups = append(c.state.Cgroups, c.cgroup(i))
	}
	if err := c.state.save(c.dir); err != nil {
		return err
	}
	for i := range c.state.Nodes {
		if err := c.makeNode(ctx, i, options.DiskBytes); err != nil {
			return fmt.Errorf("make %s: %w", nodeName(i+1), err)
		}
	}
	return nil
}

func (c *Cluster) makeNode(ctx context.Context, i int, diskBytes int64) error {
	dir := c.nodeDir(i)
	for _, folder := range []string{"lib", "log", "cache"} {
		if err := os.MkdirAll(filepath.Join(dir, varFolder, folder), 0o755); err != nil {
			return err
		}
	}
	if err := os.Symlink("/run", filepath.Join(dir, varFolder, "run")); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, varFolder, "tmp"), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(dir, varFolder, "tmp"), 0o777|os.ModeSticky); err != nil {
		return err
	}
	for name, value := range globalSysctls {
		path := filepath.Join(dir, sysctlFolder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			return err
		}
	}
	if err := c.writeNodeConfig(i); err != nil {
		return err
	}
	if c.state.Nodes[i].GPU.Count > 0 {
		if err := c.makeGPULibrary(ctx, i); err != nil {
			return err
		}
	}
	return makeDisk(filepath.Join(dir, diskFile), diskBytes)
}

func (c *Cluster) writeNodeConfig(i int) error {
	config := c.nodeConfig(i)
	values := map[string]any{
		"PauseImage": PauseImage,
		"CNI":        c.tools.CNI,
		"Shim":       c.tools.Shim,
		"Runc":       c.tools.Runc,
		"Config":     config,
		"PKI":        c.pki(""),
		"Cgroup":     c.cgroup(i),
		"Pods":       c.state.Network.Pods(i + 1),
	}
	for name, path := range map[string]string{
		"containerd.toml": "containerd.toml",
		"kubelet.yaml":    "kubelet.yaml",
		"cni.conflist":    "cni/10-pods.conflist",
	} {
		if err := writeConfig(name, filepath.Join(config, path), values); err != nil {
			return err
		}
	}
	return nil
}

// bootNode starts a node up to the point where it could run containers. The control plane need not answer yet.
func (c *Cluster) bootNode(ctx context.Context, i int) error {
	dir := c.nodeDir(i)
	if err := makeCgroup(c.cgroup(i)); err != nil {
		return err
	}
	spec := machine.Spec{
		Name: c.state.Name + "-" + nodeName(i+1),
		Dir:  dir,
		Mounts: []machine.Mount{
			{Kind: machine.Tmpfs, Target: "/run"},
			{Kind: machine.Bind, Source: filepath.Join(dir, varFolder), Target: "/var"},
			{Kind: machine.Loop, Source: filepath.Join(dir, diskFile), Target: cacheMount},
		},
		Sysctls: map[string]string{"net/ipv4/ip_forward": "1"},
	}
	for name := range globalSysctls {
		spec.Mounts = append(spec.Mounts, machine.Mount{
			Kind: machine.Bind, Source: filepath.Join(dir, sysctlFolder, name), Target: "/proc/sys/" + name,
		})
	}
	_, err := machine.Boot(ctx, c.state.Self, spec, func(m machine.Machine) error {
		return c.update(func(s *state) { s.Nodes[i].Machine = m })
	})
	if err != nil {
		return err
	}
	node := c.state.Nodes[i].Machine
	if err := c.state.Network.WireNode(c.state.Hub.ID.PID, node.ID.PID, i+1); err != nil {
		return err
	}
	return c.startContainerd(ctx, i)
}

func (c *Cluster) startContainerd(ctx context.Context, i int) error {
	node := c.state.Nodes[i].Machine
	service := machine.Service{
		Name: "containerd",
		Argv: []string{c.tools.Containerd, "--config", filepath.Join(c.nodeConfig(i), "containerd.toml")},
		Env:  environment(),
	}
	err := run(ctx, node, service, func(ctx context.Context) error {
		_, err := c.ctr(ctx, i, "version")
		return err
	})
	if err != nil {
		return err
	}
	return c.importImage(ctx, i, c.archive(testPod))
}

// startKubelet has the node join the cluster.
func (c *Cluster) startKubelet(ctx context.Context, i int) error {
	node := c.state.Nodes[i]
	labels := append(node.GPU.labels(), "hoist.dev/test-cluster="+c.state.Name)
	kubelet := c.kube("kubelet",
		"--config="+filepath.Join(c.nodeConfig(i), "kubelet.yaml"),
		"--kubeconfig="+c.pki(node.Name+".yml"),
		"--hostname-override="+node.Name,
		"--node-ip="+c.state.Network.Node(i+1).String(),
		"--node-labels="+strings.Join(labels, ","),
		"--v=2")
	proxy := c.kube("kube-proxy",
		"--kubeconfig="+c.pki("proxy.yml"),
		"--hostname-override="+node.Name,
		"--proxy-mode=iptables",
		"--cluster-cidr="+c.state.Network.Cluster().String(),
		"--healthz-bind-address=127.0.0.1:10256",
		"--metrics-bind-address=127.0.0.1:10249",
		// These are the computer's.
		"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0")
	if err := node.Machine.Start(ctx, kubelet); err != nil {
		return err
	}
	if err := node.Machine.Start(ctx, proxy); err != nil {
		return err
	}
	if node.GPU.Count == 0 {
		return nil
	}
	return node.Machine.Start(ctx, c.gpuService(node))
}
