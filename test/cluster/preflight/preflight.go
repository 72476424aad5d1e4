// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package preflight says, before anything is started, what this computer lacks to run a test cluster.
package preflight

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Needs are what a cluster will be made of.
type Needs struct {
	Tools      bool // the tools are still to be built
	Nodes      bool // not just a control plane on loopback
	GPU        bool
	Prometheus bool
}

// Check gives an error of one line that names everything that is missing, and how to get it; nil when nothing is.
func Check(needs Needs) error {
	var missing []string
	for _, r := range requirements {
		if r.when(needs) && !r.met() {
			missing = append(missing, r.what)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return errors.New("this computer can't run the cluster; missing: " + strings.Join(missing, "; "))
}

// TB is the part of a testing.TB that Require uses.
type TB interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
}

// Require skips a test, with the reason, where something is missing. With CI=true it fails it instead.
func Require(tb TB, needs Needs) {
	tb.Helper()
	err := Check(needs)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		tb.Fatal(err)
	default:
		tb.Skip(err)
	}
}

type requirement struct {
	what string
	when func(Needs) bool
	met  func() bool
}

func nodes(n Needs) bool { return n.Nodes }

var requirements = []requirement{
	{"root (use sudo -E)", nodes, func() bool { return os.Geteuid() == 0 }},
	{"the capability CAP_SYS_ADMIN", nodes, capability(unix.CAP_SYS_ADMIN)},
	{"the capability CAP_NET_ADMIN", nodes, capability(unix.CAP_NET_ADMIN)},
	{"the file system overlay in the kernel", nodes, fileSystem("overlay")},
	{"the file system ext4 in the kernel", nodes, fileSystem("ext4")},
	{"/dev/fuse", nodes, device("/dev/fuse")},
	{"/dev/loop-control", nodes, device("/dev/loop-control")},
	{"a mounted cgroup hierarchy at /sys/fs/cgroup", nodes, func() bool { return exists("/sys/fs/cgroup/memory") || exists("/sys/fs/cgroup/cgroup.controllers") }},
	{"mount (Debian: apt install mount)", nodes, program("mount")},
	{"mkfs.ext4 (Debian: apt install e2fsprogs)", nodes, program("mkfs.ext4")},
	{"iptables (Debian: apt install iptables)", nodes, program("iptables")},
	{"a C compiler (Debian: apt install gcc libc6-dev)", func(n Needs) bool { return n.GPU || n.Tools }, program("cc")},
	{
		"the headers of libseccomp (Debian: apt install libseccomp-dev pkg-config)",
		func(n Needs) bool { return n.Tools },
		func() bool { return exec.Command("pkg-config", "--exists", "libseccomp").Run() == nil },
	},
	{"prometheus (Debian: apt install prometheus)", func(n Needs) bool { return n.Prometheus }, program("prometheus")},
}

func capability(bit int) func() bool {
	return func() bool {
		status, err := os.ReadFile("/proc/self/status")
		return err == nil && effective(string(status))&(1<<bit) != 0
	}
}

// effective reads the set of capabilities out of /proc/PID/status.
func effective(status string) uint64 {
	for line := range strings.Lines(status) {
		if value, found := strings.CutPrefix(line, "CapEff:"); found {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil {
				return 0
			}
			return set
		}
	}
	return 0
}

// fileSystem asks the kernel for it, which also loads its module. Who may not ask is told of the capability already.
func fileSystem(name string) func() bool {
	return func() bool {
		fd, err := unix.Fsopen(name, unix.FSOPEN_CLOEXEC)
		if err != nil {
			return !errors.Is(err, unix.ENODEV)
		}
		return unix.Close(fd) == nil
	}
}

func device(path string) func() bool {
	return func() bool {
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return false
		}
		return file.Close() == nil
	}
}

// program looks where root's programs are, too: the PATH of others often lacks them.
func program(name string) func() bool {
	return func() bool {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
		return exists("/usr/sbin/"+name) || exists("/sbin/"+name)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
