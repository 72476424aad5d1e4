// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hoist-dev/hoist/test/cluster/machine"
	"github.com/hoist-dev/hoist/test/cluster/network"
	"github.com/hoist-dev/hoist/test/cluster/process"
)

// HomeVariable names the environment variable that says where clusters are kept; else it is hoist/clusters below the user's
// folder for state (XDG Base Directory Specification).
const HomeVariable = "HOIST_CLUSTER_DIR"

// Home is the folder that every cluster has a folder in.
func Home() (string, error) {
	if dir := os.Getenv(HomeVariable); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "hoist", "clusters"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for clusters: %w; set %s", err, HomeVariable)
	}
	return filepath.Join(home, ".local", "state", "hoist", "clusters"), nil
}

// state is what has to be known to go on with a cluster and to remove it. What is made is in it before it is made.
type state struct {
	Name    string          `json:"name"`
	Starter process.ID      `json:"starter"`         // who called Up
	Up      bool            `json:"up"`              // Up has returned
	Owner   *process.ID     `json:"owner,omitempty"` // when this has ended, the cluster may be cleaned away
	Self    string          `json:"self"`
	Hub     machine.Machine `json:"hub"`
	Network network.Plan    `json:"network"`
	Nodes   []Node          `json:"nodes"`
	Ports   ports           `json:"ports"`
	S3      S3              `json:"s3"`
	Cgroups []string        `json:"cgroups"` // folders
}

const stateFile = "cluster.json"

func (s *state) load(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, s); err != nil {
		return fmt.Errorf("read the state of the cluster in %s: %w", dir, err)
	}
	return nil
}

// save replaces the file as a whole.
func (s *state) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, stateFile)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// abandoned tells whether the cluster had an owner that has ended.
func (s *state) abandoned() bool { return s.Owner != nil && !s.Owner.Alive() }

// List names the clusters there are, running or not.
func List() ([]string, error) {
	home, err := Home()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(home)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if _, err := os.Stat(filepath.Join(home, entry.Name(), stateFile)); err == nil {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}
