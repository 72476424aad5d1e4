// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/bench/result"
)

// machine is what this computer is, as far as it tells, and the disk below dir.
func machine(dir string) result.Machine {
	m := result.Machine{Cores: runtime.NumCPU(), CPU: field("/proc/cpuinfo", "model name"), Disk: disk(dir)}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = int64(info.Totalram) * int64(info.Unit)
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	}
	return m
}

// field is the first value of a key in a file of lines as "key : value".
func field(file, key string) string {
	raw, _ := os.ReadFile(file)
	for line := range strings.Lines(string(raw)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

var fileSystems = map[int64]string{unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlayfs", unix.NFS_SUPER_MAGIC: "NFS"}

func disk(dir string) string {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return ""
	}
	name, ok := fileSystems[st.Type]
	if !ok {
		name = fmt.Sprintf("file system %#x", st.Type)
	}
	var at unix.Stat_t
	if unix.Stat(dir, &at) != nil {
		return name
	}
	model, _ := os.ReadFile(fmt.Sprintf("/sys/dev/block/%d:%d/device/model", unix.Major(at.Dev), unix.Minor(at.Dev)))
	return strings.TrimSpace(name + " " + string(model))
}
