// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Down removes a cluster, running or not, and everything that it made. It is no error when there is none of that name.
func Down(ctx context.Context, name string) error {
	c, err := open(name)
	if errors.Is(err, errNoCluster) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.Down(ctx)
}

// DownAbandoned removes the clusters whose owners have ended without doing so.
func DownAbandoned(ctx context.Context) error {
	names, err := List()
	if err != nil {
		return err
	}
	for _, name := range names {
		c, err := open(name)
		if errors.Is(err, errNoCluster) {
			continue // somebody else has just removed it
		}
		if err != nil {
			return err
		}
		if !c.state.abandoned() {
			continue
		}
		if err := c.Down(ctx); err != nil {
			return fmt.Errorf("remove the abandoned cluster %s: %w", name, err)
		}
	}
	return nil
}

// Down removes the cluster. It cuts the power: nobody is asked to end in good order.
func (c *Cluster) Down(ctx context.Context) error {
	err := c.powerOff(ctx)
	for _, cgroup := range c.state.Cgroups {
		err = errors.Join(err, removeCgroup(ctx, cgroup))
	}
	if err = errors.Join(err, awaitNoLoop(ctx, c.dir)); err != nil {
		return fmt.Errorf("remove cluster %s: %w", c.state.Name, err) // its folder stays, and with it the list
	}
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("remove cluster %s: %w", c.state.Name, err)
	}
	return nil
}

func (c *Cluster) powerOff(ctx context.Context) error {
	var err error
	for _, node := range c.state.Nodes {
		err = errors.Join(err, node.Machine.PowerOff(ctx))
	}
	hadNetwork := c.state.Hub.On() && c.state.Ports == fixedPorts
	err = errors.Join(err, c.state.Hub.PowerOff(ctx))
	if hadNetwork {
		err = errors.Join(err, c.state.Network.Release()) // it would go by itself, but later
	}
	return err
}

// Keep adds a file to the logs.
func (c *Cluster) Keep(name, text string) error {
	folder := filepath.Join(c.dir, "tests", "logs")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)
}

// KeepLogs copies the logs to a folder of their own, which outlives the cluster, and says where.
func (c *Cluster) KeepLogs() (string, error) {
	kept, err := os.MkdirTemp("", "hoist-cluster-"+c.state.Name+"-")
	if err != nil {
		return "", err
	}
	folders, err := filepath.Glob(filepath.Join(c.dir, "*", "logs"))
	if err != nil {
		return kept, err
	}
	for _, folder := range folders {
		name := filepath.Base(filepath.Dir(folder))
		err = errors.Join(err, os.CopyFS(filepath.Join(kept, name), os.DirFS(folder)))
	}
	return kept, err
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:3])
}
