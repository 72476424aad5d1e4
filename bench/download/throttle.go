// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// throttle is a control group whose processes write to the disk under test at most
// so fast, so that the disk is the limit and not the CPUs.
type throttle struct{ dir string }

// newThrottle limits writes to the device below path, if bytesPerSecond is not 0; a
// nil throttle limits nothing. It needs root, and the blkio
// controller of cgroup v1 or the io controller of v2.
func newThrottle(path string, bytesPerSecond int64) (*throttle, error) {
	if bytesPerSecond == 0 {
		return nil, nil
	}
	device, err := wholeDisk(path)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("hoist-bench-%d", os.Getpid())
	for _, version := range []struct{ parent, file, setting string }{
		{"/sys/fs/cgroup/blkio", "blkio.throttle.write_bps_device", fmt.Sprintf("%s %d", device, bytesPerSecond)},
		{"/sys/fs/cgroup", "io.max", fmt.Sprintf("%s wbps=%d", device, bytesPerSecond)},
	} {
		t := &throttle{filepath.Join(version.parent, name)}
		if _, err := os.Stat(filepath.Join(version.parent, "cgroup.procs")); err != nil {
			continue
		}
		if err := os.Mkdir(t.dir, 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(t.dir, version.file), []byte(version.setting), 0o600); err != nil {
			return nil, errors.Join(err, t.remove())
		}
		return t, nil
	}
	return nil, errors.New("no control group with a block I/O controller")
}

// wholeDisk is the device number, as MAJ:MIN, of the disk that path is on.
func wholeDisk(path string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return "", err
	}
	number := fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
	link, err := filepath.EvalSymlinks("/sys/dev/block/" + number)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(link, "partition")); err != nil {
		return number, nil //nolint:nilerr // it is a whole disk
	}
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(link), "dev"))
	return strings.TrimSpace(string(raw)), err
}

// wrap makes a command run inside the group.
func (t *throttle) wrap(binary string, args []string) (string, []string) {
	if t == nil {
		return binary, args
	}
	return "/bin/sh", append([]string{"-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, t.dir, binary}, args...)
}

func (t *throttle) remove() error {
	if t == nil {
		return nil
	}
	return os.Remove(t.dir)
}
