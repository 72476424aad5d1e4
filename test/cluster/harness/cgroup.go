// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroup is the node's own root: a path below each hierarchy that this computer has, one for each controller with cgroup v1, a
// single one with v2. Clusters of other users have other folders, so a part of the folder's is in the name.
func (c *Cluster) cgroup(i int) string {
	return fmt.Sprintf("/hoist-%s-%s-%s", c.state.Name, shortHash(c.dir), nodeName(i+1))
}

type hierarchy struct {
	root    string
	unified bool // cgroup v2
}

func hierarchies() ([]hierarchy, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found []hierarchy
	for lines := bufio.NewScanner(file); lines.Scan(); {
		// proc_pid_mountinfo(5): ID, parent, device, root, mount point, options, optional fields, "-", type, source, options
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if len(fields) < 5 || len(kind) < 1 || !strings.HasPrefix(kind[0], "cgroup") {
			continue
		}
		found = append(found, hierarchy{root: fields[4], unified: kind[0] == "cgroup2"})
	}
	if len(found) == 0 {
		return nil, errors.New("find the cgroup hierarchies: none is mounted")
	}
	return found, nil
}

func makeCgroup(path string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	for _, h := range all {
		if h.unified {
			h.delegate()
		}
		folder := filepath.Join(h.root, path)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("make cgroup %s: %w", folder, err)
		}
		// A cpuset of v1 begins empty, and nothing can be put into it.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			whole, err := os.ReadFile(filepath.Join(h.root, file))
			if h.unified || err != nil {
				continue
			}
			if err := os.WriteFile(filepath.Join(folder, file), whole, 0); err != nil {
				return fmt.Errorf("give cgroup %s its %s: %w", folder, file, err)
			}
		}
	}
	return nil
}

// delegate lets the cgroups below the root of v2 have controllers. One at a time, since those that v1 holds are refused.
func (h hierarchy) delegate() {
	for _, controller := range []string{"cpu", "cpuset", "memory", "pids", "io", "hugetlb"} {
		_ = os.WriteFile(filepath.Join(h.root, "cgroup.subtree_control"), []byte("+"+controller), 0)
	}
}

// removeCgroup removes the cgroup and all below it. The processes in it have been killed; the kernel may need a moment.
func removeCgroup(ctx context.Context, path string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	for _, h := range all {
		folder := filepath.Join(h.root, path)
		err := Await(ctx, "cgroup "+folder+" to be empty", func(context.Context) (bool, error) {
			return true, removeTree(folder)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removeTree removes folders, deepest first: the files of a cgroup go with its folder.
func removeTree(root string) error {
	var folders []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, folder := range slices.Backward(folders) {
		if err := unix.Rmdir(folder); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("remove %s: %w", folder, err)
		}
	}
	return nil
}
