// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hoist-dev/hoist/test/cluster/machine"
	"github.com/hoist-dev/hoist/test/cluster/network"
	"github.com/hoist-dev/hoist/test/cluster/preflight"
	"github.com/hoist-dev/hoist/test/cluster/process"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
)

const maxNodes = network.MaxNodes

// Up starts a cluster and returns when all that it was asked for answers. On failure nothing is left of it but its logs, the
// folder of which the error names.
func Up(ctx context.Context, options Options) (*Cluster, error) {
	if options.Progress == nil {
		options.Progress = io.Discard
	}
	if err := options.validate(); err != nil {
		return nil, err
	}
	if err := preflight.Check(options.needs()); err != nil {
		return nil, err
	}
	if err := DownAbandoned(ctx); err != nil {
		return nil, err
	}
	c, err := create(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := c.up(ctx, options); err != nil {
		logs, keepErr := c.KeepLogs()
		err = fmt.Errorf("start cluster %s: %w; its logs are in %s", options.Name, err, logs)
		return nil, errors.Join(err, keepErr, c.Down(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (o Options) needs() preflight.Needs {
	return preflight.Needs{Nodes: o.Nodes > 0, GPU: o.GPU.Count > 0, Prometheus: o.Prometheus}
}

// create makes the cluster's folder, which is also what keeps two of one name apart.
func create(ctx context.Context, options Options) (*Cluster, error) {
	root, err := toolchain.Root()
	if err != nil {
		return nil, err
	}
	tools, err := toolchain.Ensure(ctx, root, options.Progress)
	if err != nil {
		return nil, err
	}
	home, err := Home()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: filepath.Join(home, options.Name), tools: tools, state: state{Name: options.Name}}
	c.state.Self = filepath.Join(c.dir, "self")
	if c.state.Starter, err = process.Identify(os.Getpid()); err != nil {
		return nil, err
	}
	if options.Owned {
		c.state.Owner = &c.state.Starter
	}
	if err := c.replaceDead(ctx); err != nil {
		return nil, err
	}
	if err := c.makeFolder(home, options.Self); err != nil {
		return nil, err
	}
	return c, nil
}

// makeFolder makes the folder with the state in it, or not at all. It holds a copy of the program self: what go run and go test
// have built is gone when they end, and a node may be started later.
func (c *Cluster) makeFolder(home, self string) error {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(home, ".new-")
	if err != nil {
		return err
	}
	err = errors.Join(c.state.save(folder), copyProgram(self, filepath.Join(folder, filepath.Base(c.state.Self))))
	if err == nil {
		err = os.Rename(folder, c.dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("start cluster %s: %w", c.state.Name, err), os.RemoveAll(folder))
	}
	return nil
}

// replaceDead removes what is left of a cluster of this name that is not up.
func (c *Cluster) replaceDead(ctx context.Context) error {
	left, err := open(c.state.Name)
	switch {
	case errors.Is(err, errNoCluster):
		return nil
	case err != nil:
		return err
	case left.state.Hub.On() && left.state.Up:
		return fmt.Errorf("cluster %s is up already: use it, or end it with down", c.state.Name)
	case !left.state.Up && left.state.Starter.Alive():
		return fmt.Errorf("cluster %s is being started by process %d: wait, or take another name", c.state.Name, left.state.Starter.PID)
	}
	return left.Down(ctx)
}

func (c *Cluster) up(ctx context.Context, options Options) error {
	say := stopwatch(options.Progress)
	if err := c.bootHub(ctx, options.Nodes == 0); err != nil {
		return err
	}
	say("hub is up")
	if err := c.writeCredentials(options.Nodes); err != nil {
		return err
	}
	if err := c.addNodes(ctx, options); err != nil {
		return err
	}
	if options.Nodes > 0 {
		if _, err := c.buildImage(ctx, testPod); err != nil {
			return err
		}
	}
	// Containers can be made ready while the control plane starts.
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.startControlPlane(groupCtx, options) })
	for i := range c.state.Nodes {
		group.Go(func() error { return c.bootNode(groupCtx, i) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	say("control plane answers")
	for i := range c.state.Nodes {
		if err := c.startKubelet(ctx, i); err != nil {
			return err
		}
	}
	if err := c.startAddons(ctx, options); err != nil {
		return err
	}
	if err := c.AwaitNodes(ctx); err != nil {
		return err
	}
	say(fmt.Sprintf("%d nodes ready", options.Nodes))
	return c.update(func(s *state) { s.Up = true })
}

// bootHub starts the machine of the control plane and, where there will be nodes, its network.
func (c *Cluster) bootHub(ctx context.Context, loopback bool) error {
	spec := machine.Spec{Name: c.state.Name + "-hub", Dir: filepath.Join(c.dir, "hub"), Shared: loopback}
	if !loopback {
		spec.Mounts = []machine.Mount{{Kind: machine.Tmpfs, Target: "/run"}}
		spec.Sysctls = map[string]string{"net/ipv4/ip_forward": "1", "net/ipv4/conf/all/send_redirects": "0"}
	}
	_, err := machine.Boot(ctx, c.state.Self, spec, func(m machine.Machine) error {
		c.state.Hub = m
		return c.state.save(c.dir)
	})
	if err != nil {
		return err
	}
	if loopback {
		if c.state.Ports, err = freePorts(ctx); err != nil {
			return err
		}
		return c.state.save(c.dir)
	}
	if c.state.Network, err = network.Claim(c.state.Hub.ID.PID); err != nil {
		return err
	}
	c.state.Ports = fixedPorts
	if err := c.state.Network.WireHub(c.state.Hub.ID.PID); err != nil {
		return err
	}
	return c.state.save(c.dir)
}

func stopwatch(w io.Writer) func(stage string) {
	start := time.Now()
	return func(stage string) { fmt.Fprintf(w, "%5.1f s  %s\n", time.Since(start).Seconds(), stage) }
}
