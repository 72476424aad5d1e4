// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/test/cluster/machine"
	"github.com/hoist-dev/hoist/test/cluster/network"
	"github.com/hoist-dev/hoist/test/cluster/process"
)

func TestState_IsWhatWasSavedLastAndForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := (&state{Name: "a", Nodes: []Node{{Name: "of long ago"}}, Cgroups: []string{"/one", "/two"}}).save(dir); err != nil {
		t.Fatal(err)
	}
	me, err := process.Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	saved := state{
		Name: "a", Starter: me, Up: true, Owner: &me, Self: "/a/self", Hub: machine.Machine{Dir: "/a/hub", ID: me},
		Network: network.Plan{Slot: 7}, Ports: fixedPorts, Cgroups: []string{"/hoist-a"},
		Nodes: []Node{{Name: "node1", Machine: machine.Machine{Dir: "/a/node1", ID: me}, GPU: GPU{Count: 2, Name: "L4", MemoryBytes: 24 << 30}}},
		S3:    S3{Endpoint: "http://x", Region: "r", AccessKey: "k", SecretKey: "secret"},
	}
	if err := saved.save(dir); err != nil {
		t.Fatal(err)
	}
	var loaded state
	if err := loaded.load(dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(saved, loaded); diff != "" {
		t.Errorf("(-saved +loaded):\n%s", diff)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v, want the one file", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600: it has the secret key", info.Mode())
	}
	if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(`{"name": "a`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := loaded.load(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("half a file: %v, want an error that names %s", err, dir)
	}
}

// Of two that start a cluster of one name at the same time the second is refused, and leaves nothing.
func TestMakeFolder_KeepsTwoOfOneNameApart(t *testing.T) {
	t.Parallel()
	home, self := t.TempDir(), filepath.Join(t.TempDir(), "self")
	if err := os.WriteFile(self, []byte("#!/bin/true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	begin := func(slot int) (*Cluster, error) {
		dir := filepath.Join(home, "a")
		c := &Cluster{dir: dir, state: state{Name: "a", Self: filepath.Join(dir, "self"), Network: network.Plan{Slot: slot}}}
		err := c.makeFolder(home, self)
		return c, err
	}
	first, err := begin(1)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(first.state.Self); err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("its program can't be run: %v, %v", info, err)
	}
	if _, err := begin(2); err == nil {
		t.Error("a second one has begun")
	}
	var kept state
	if err := kept.load(first.dir); err != nil || kept.Network.Slot != 1 {
		t.Errorf("the first is now %+v, %v", kept, err)
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v, want the one cluster", entries, err)
	}
}

func TestDownAbandoned_RemovesWhoseOwnerHasEndedAndNoOther(t *testing.T) {
	home := filepath.Join(t.TempDir(), "clusters")
	t.Setenv(HomeVariable, home)
	if names, err := List(); err != nil || len(names) != 0 {
		t.Fatalf("before the first there are %v, %v", names, err)
	}
	me, err := process.Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ended := me
	ended.Start++ // had this number before
	for name, owner := range map[string]*process.ID{"abandoned": &ended, "mine": &me, "nobodys": nil} {
		dir := filepath.Join(home, name)
		if err := errors.Join(os.MkdirAll(dir, 0o750), (&state{Name: name, Owner: owner, Starter: ended}).save(dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := DownAbandoned(t.Context()); err != nil {
		t.Fatal(err)
	}
	names, err := List()
	if diff := cmp.Diff([]string{"mine", "nobodys"}, names); diff != "" || err != nil {
		t.Errorf("left are, %v (-want +got):\n%s", err, diff)
	}
	if _, err := Attach(t.Context(), "mine"); err == nil || !strings.Contains(err.Error(), "not running") {
		t.Errorf("attached to what is not running: %v", err)
	}
	if err := Down(t.Context(), "abandoned"); err != nil {
		t.Errorf("down of what is gone: %v", err)
	}
}
