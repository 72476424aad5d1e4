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
)

func TestCgroup_IsTheNodesOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range []*Cluster{
		{dir: "/home/a/x", state: state{Name: "x"}},
		{dir: "/home/b/x", state: state{Name: "x"}}, // another user's
		{dir: "/home/a/y", state: state{Name: "y"}},
	} {
		for i := range maxNodes {
			path := c.cgroup(i)
			if seen[path] || !strings.HasPrefix(path, "/hoist-"+c.state.Name+"-") || !strings.HasSuffix(path, "-"+nodeName(i+1)) || strings.Count(path, "/") != 1 {
				t.Errorf("%s node %d: %s is another's, or says nothing", c.dir, i+1, path)
			}
			seen[path] = true
		}
	}
}

// The kernel tells the same in another format, which has no optional fields: proc_pid_mounts(5).
func TestHierarchies_AreTheMountedCgroups(t *testing.T) {
	t.Parallel()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	var want []hierarchy
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); fields[2] == "cgroup" || fields[2] == "cgroup2" {
			want = append(want, hierarchy{root: fields[1], unified: fields[2] == "cgroup2"})
		}
	}
	if len(want) == 0 {
		t.Skip("no cgroup hierarchy is mounted")
	}
	found, err := hierarchies()
	if diff := cmp.Diff(want, found, cmp.AllowUnexported(hierarchy{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestRemoveTree_RemovesFoldersAndNoFile(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "node1")
	deep := filepath.Join(root, "kubepods", "pod1", "container")
	if err := errors.Join(os.MkdirAll(deep, 0o750), os.MkdirAll(filepath.Join(root, "other"), 0o750)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is gone
		if err := removeTree(root); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("it is there: %v", err)
		}
	}
	// A cgroup with a process in it can't be removed either.
	if err := errors.Join(os.MkdirAll(deep, 0o750), os.WriteFile(filepath.Join(deep, "busy"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := removeTree(root); err == nil || !strings.Contains(err.Error(), deep) {
		t.Errorf("%v, want an error that names %s", err, deep)
	}
}
