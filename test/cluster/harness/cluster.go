// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package harness runs a real Kubernetes on one computer: etcd, API server, controller manager and scheduler on a machine of
// their own, the hub, and containerd, kubelet and kube-proxy on another for every node.
//
// Up returns when every node is Ready. A cluster outlives the process that started it, unless it was told to have an owner. All
// that it is made of is one folder, a handful of processes and some cgroups; they are written down before they are made, so that
// Down removes every one of them, also when whoever called Up was killed in the middle.
//
// Without nodes the control plane is all there is: it listens on loopback and needs no root.
package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/hoist-dev/hoist/test/cluster/machine"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
)

// Options say what a cluster shall be made of.
type Options struct {
	Name  string // lower case, at most 20 characters
	Nodes int    // 0 for a control plane alone

	DiskBytes int64 // of each node's disk for the cache, mounted on /var/lib/hoist; it takes only what is written to it
	GPU       GPU   // of each node

	KEDA       bool
	Prometheus bool
	KWOK       int // simulated nodes
	S3         bool

	// Self is a program that calls RunAsPartOfACluster before anything else: this one, mostly (os.Executable).
	Self string
	// Owned has the cluster cleaned away by the next Up or Down of anybody once this process has ended.
	Owned bool
	// Progress gets a line for each stage.
	Progress io.Writer
}

// Cluster is one that is up. Only what is in its state survives this process.
type Cluster struct {
	dir   string
	tools toolchain.Tools
	mutex sync.Mutex // of the state while nodes boot side by side
	state state
	rest  *rest.Config
}

// update changes the state and saves it.
func (c *Cluster) update(change func(*state)) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	change(&c.state)
	return c.state.save(c.dir)
}

const nameLimit = 20 // the names of machines, cgroups and pods begin with it

var validName = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

func (o Options) validate() error {
	switch {
	case !validName.MatchString(o.Name) || len(o.Name) > nameLimit:
		return fmt.Errorf("cluster name %q: use at most %d of a-z, 0-9 and -, a letter first", o.Name, nameLimit)
	case o.Nodes < 0 || o.Nodes > maxNodes:
		return fmt.Errorf("%d nodes: want 0 to %d", o.Nodes, maxNodes)
	case o.KWOK < 0:
		return fmt.Errorf("%d simulated nodes: want 0 or more", o.KWOK)
	case o.DiskBytes < 0 || o.GPU.Count < 0 || o.GPU.MemoryBytes < 0:
		return fmt.Errorf("a disk of %d bytes and %d GPUs of %d: want 0 or more", o.DiskBytes, o.GPU.Count, o.GPU.MemoryBytes)
	case o.KEDA && o.Nodes == 0:
		return errors.New("KEDA runs beside nodes: ask for one at least")
	}
	return nil
}

// Name is the name of the cluster.
func (c *Cluster) Name() string { return c.state.Name }

// Kubeconfig is the path of a kubeconfig with all rights.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.dir, "kubeconfig") }

// REST is the configuration of a client with all rights.
func (c *Cluster) REST() *rest.Config { return rest.CopyConfig(c.rest) }

// Client is a client with all rights.
func (c *Cluster) Client() (kubernetes.Interface, error) { return kubernetes.NewForConfig(c.rest) }

// Hub is the machine of the control plane.
func (c *Cluster) Hub() machine.Machine { return c.state.Hub }

// Computer is the address at which pods, and the API server, reach what listens on this computer.
func (c *Cluster) Computer() string { return c.state.Network.Computer().String() }

// Attach finds a cluster that is up, so that another process can go on with it.
func Attach(ctx context.Context, name string) (*Cluster, error) {
	c, err := open(name)
	if err != nil {
		return nil, err
	}
	if !c.state.Hub.On() || !c.state.Up {
		return nil, fmt.Errorf("cluster %s is not running: remove what is left of it with down, then start it again", name)
	}
	root, err := toolchain.Root()
	if err != nil {
		return nil, err
	}
	if c.tools, _, err = toolchain.Locate(ctx, root); err != nil {
		return nil, err
	}
	c.rest, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	return c, err
}

var errNoCluster = errors.New("there is no cluster")

func open(name string) (*Cluster, error) {
	home, err := Home()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: filepath.Join(home, name)}
	err = c.state.load(c.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w %q: start it with up", errNoCluster, name)
	}
	return c, err
}
