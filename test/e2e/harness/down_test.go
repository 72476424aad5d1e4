// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package harness_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/test/cluster/harness"
)

// upCommand has the test binary start a cluster and wait to be killed.
const upCommand = "up-and-wait"

func upAndWait(name string) int {
	self, err := os.Executable()
	if err == nil {
		_, err = harness.Up(context.Background(), harness.Options{
			Name: name, Nodes: 1, DiskBytes: 64 << 20, Self: self, Owned: true, Progress: os.Stdout,
			GPU: harness.GPU{Count: 1, Name: "NVIDIA L4", MemoryBytes: 24 << 30},
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	select {}
}

// Whoever starts a cluster is killed, at one moment or another. The next one finds by the record what there is, and removes it.
func TestDown_RemovesWhatAKilledHarnessLeft(t *testing.T) {
	t.Parallel()
	for at, line := range []string{"hub is up", "control plane answers", "nodes ready"} {
		t.Run(strings.ReplaceAll(line, " ", "-"), func(t *testing.T) {
			t.Parallel()
			name := fmt.Sprintf("killed%d-%d", at, os.Getpid())
			killAfter(t, name, line)
			if left := traces(t, name); len(left) == 0 {
				t.Fatal("the killed harness left nothing: there is nothing to prove")
			}
			if err := harness.DownAbandoned(t.Context()); err != nil {
				t.Fatal(err)
			}
			if left := traces(t, name); len(left) > 0 {
				t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
			}
		})
	}
}

// killAfter starts a cluster in another process, which is killed when it has printed the line.
func killAfter(t *testing.T, name, line string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(self, upCommand, name)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := false
	for lines := bufio.NewScanner(stdout); !seen && lines.Scan(); {
		seen = strings.HasSuffix(lines.Text(), line)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	if !seen {
		t.Fatalf("never said %q", line)
	}
}

// traces lists what there is of a cluster on this computer: it looks everywhere, not in the cluster's own record.
func traces(t *testing.T, name string) []string {
	t.Helper()
	home, err := harness.Home()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(home, name)
	var found []string
	if _, err := os.Stat(dir); err == nil {
		found = append(found, "folder "+dir)
	}
	for _, pattern := range []string{"/sys/fs/cgroup/hoist-" + name + "-*", "/sys/fs/cgroup/*/hoist-" + name + "-*"} {
		cgroups, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, cgroups...)
	}
	found = append(found, mentions("/sys/block/loop*/loop/backing_file", dir)...)
	found = append(found, mentions("/proc/[0-9]*/cmdline", dir)...)
	found = append(found, mentions("/proc/[0-9]*/mountinfo", dir)...)
	return found
}

// mentions lists the files that have the text in them. Files come and go: one that can't be read is none.
func mentions(pattern, text string) []string {
	files, _ := filepath.Glob(pattern) // the patterns are well-formed
	var found []string
	for _, file := range files {
		if file == "/proc/"+strconv.Itoa(os.Getpid())+"/cmdline" {
			continue
		}
		content, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(content), text) {
			found = append(found, file+": "+strings.ReplaceAll(string(content), "\x00", " "))
		}
	}
	return found
}
