// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Nodes names the nodes, simulated ones not included.
func (c *Cluster) Nodes() []string {
	var names []string
	for _, node := range c.state.Nodes {
		names = append(names, node.Name)
	}
	return names
}

// Node gives a node by its name.
func (c *Cluster) Node(name string) (Node, error) {
	i, err := c.index(name)
	if err != nil {
		return Node{}, err
	}
	return c.state.Nodes[i], nil
}

// StopNode cuts a node's power. Its disks keep what reached them, and the API server learns of it by the node's silence.
func (c *Cluster) StopNode(ctx context.Context, name string) error {
	i, err := c.index(name)
	if err != nil {
		return err
	}
	if err := c.state.Nodes[i].Machine.PowerOff(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	// As the memory of a computer, they do not outlive it.
	if err := removeCgroup(ctx, c.cgroup(i)); err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	return awaitNoLoop(ctx, c.nodeDir(i))
}

// StartNode switches a stopped node on again, with the disks that it had, and returns when it has all of its services. AwaitNodes
// tells when it is Ready.
func (c *Cluster) StartNode(ctx context.Context, name string) error {
	i, err := c.index(name)
	if err != nil {
		return err
	}
	if c.state.Nodes[i].Machine.On() {
		return fmt.Errorf("start %s: it is on", name)
	}
	if err := c.bootNode(ctx, i); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	return c.startKubelet(ctx, i)
}

// CutNode takes a node off the network: its pods go on, and nobody hears of them.
func (c *Cluster) CutNode(_ context.Context, name string) error {
	i, err := c.index(name)
	if err != nil {
		return err
	}
	return c.state.Network.Cut(c.state.Hub.ID.PID, i+1)
}

// HealNode brings a node back on the network.
func (c *Cluster) HealNode(_ context.Context, name string) error {
	i, err := c.index(name)
	if err != nil {
		return err
	}
	return c.state.Network.Heal(c.state.Hub.ID.PID, i+1)
}

// KillContainer ends the first process of a container with SIGKILL, as a crash would. id is what the pod's status has for it, such
// as containerd://4711.
func (c *Cluster) KillContainer(ctx context.Context, node, id string) error {
	i, err := c.index(node)
	if err != nil {
		return err
	}
	_, err = c.ctr(ctx, i, "tasks", "kill", "--signal=SIGKILL", strings.TrimPrefix(id, "containerd://"))
	return err
}

func (c *Cluster) index(name string) (int, error) {
	i := slices.IndexFunc(c.state.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return 0, fmt.Errorf("cluster %s has no node %q; it has %s", c.state.Name, name, strings.Join(c.Nodes(), ", "))
	}
	return i, nil
}
